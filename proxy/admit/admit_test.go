package admit

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request parses a request line with its Host as net/http's server does.
func request(t *testing.T, line, host string) *http.Request {
	t.Helper()
	raw := line + "\r\n"
	if host != "" {
		raw += "Host: " + host + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// policy compiles the policy of a route.
func policy(t *testing.T, r model.Route) *Policy {
	t.Helper()
	p := NewPolicy(&r, live.NewZone())
	err := p.Err()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// subject is a request on a route.
func subject(t *testing.T, r *http.Request, route model.Route) *Subject {
	t.Helper()
	return &Subject{Request: r, Policy: policy(t, route)}
}

func TestARouteServesItsProtocolsOnly(t *testing.T) {
	const both = model.WebSocket | model.HTTP
	for _, c := range []struct {
		name    string
		upgrade string
		route   model.Protocols
		want    model.Reason
		status  int
	}{
		{"a socket on a socket route", "websocket", model.WebSocket, "", 0},
		{"a socket on a route for both", "websocket", both, "", 0},
		{"a socket on a plain route", "websocket", model.HTTP, model.ProtocolRefused, 403},
		{"a page on a socket route", "", model.WebSocket, model.NotWebSocket, 426},
		{"a page on a route for both", "", both, "", 0},
		{"a page on a plain route", "", model.HTTP, "", 0},
		{"kubectl exec on a socket route", "spdy/3.1", model.WebSocket, model.ProtocolRefused, 403},
		{"kubectl exec on a plain route", "spdy/3.1", model.HTTP, "", 0},
		{"anything on a route for nothing", "", 0, model.NotWebSocket, 426},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: c.route})
			s.Upgrade = c.upgrade
			refusal := Admit(s)
			if c.want == "" {
				if refusal != nil {
					t.Errorf("refused: %v", refusal)
				}
				return
			}
			if refusal == nil || refusal.Reason != c.want || refusal.Status != c.status {
				t.Fatalf("got %v, want %d %s", refusal, c.status, c.want)
			}
			if c.status == http.StatusUpgradeRequired && (refusal.Header["Upgrade"] != "websocket" || refusal.Header["Connection"] != "Upgrade") {
				t.Errorf("the protocol to use is missing: %v", refusal.Header)
			}
		})
	}
}

func TestPlainRequestsInTheClearGoToHTTPS(t *testing.T) {
	for _, c := range []struct {
		name, line, host string
		port             int
		want             string
	}{
		{"path and query as they were", "GET /a%2Fb/%20?c=d%26&e HTTP/1.1", "chat.example.com", 443, "https://chat.example.com/a%2Fb/%20?c=d%26&e"},
		{"the port of http goes", "POST / HTTP/1.1", "chat.example.com:8080", 0, "https://chat.example.com/"},
		{"another port of https", "GET /x HTTP/1.1", "chat.example.com:8080", 8443, "https://chat.example.com:8443/x"},
		{"IPv6", "GET / HTTP/1.1", "[2001:db8::1]:80", 8443, "https://[2001:db8::1]:8443/"},
		{"IPv6 without ports", "GET / HTTP/1.1", "[2001:db8::1]", 443, "https://[2001:db8::1]/"},
		{"an absolute form", "GET http://chat.example.com/x?y HTTP/1.1", "ignored.example", 0, "https://chat.example.com/x?y"},
		{"a path that looks like a host", "GET //evil.example/x HTTP/1.1", "chat.example.com", 0, "https://chat.example.com//evil.example/x"},
		{"no path at all", "OPTIONS * HTTP/1.1", "chat.example.com", 0, "https://chat.example.com/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := subject(t, request(t, c.line, c.host), model.Route{Protocols: model.HTTP, RedirectHTTPS: true})
			s.HTTPSPort = c.port
			refusal := Admit(s)
			if refusal == nil || refusal.Status != http.StatusPermanentRedirect || refusal.Reason != model.RedirectedHTTPS {
				t.Fatalf("got %v, want a redirect", refusal)
			}
			if got := refusal.Header["Location"]; got != c.want {
				t.Errorf("Location: %s, want %s", got, c.want)
			}
		})
	}
}

func TestNotEverythingGoesToHTTPS(t *testing.T) {
	everything := model.Route{Protocols: model.HTTP | model.WebSocket, RedirectHTTPS: true}
	page := func() *Subject { return subject(t, request(t, "GET / HTTP/1.1", "chat.example.com"), everything) }
	for name, change := range map[string]func(*Subject){
		"a route that does not want it":    func(s *Subject) { s.Policy = policy(t, model.Route{Protocols: model.HTTP}) },
		"a client that has TLS already":    func(s *Subject) { s.Secure = true },
		"a socket, which would not follow": func(s *Subject) { s.Upgrade = "websocket" },
		"another upgrade":                  func(s *Subject) { s.Upgrade = "spdy/3.1" },
		"a certificate authority's question": func(s *Subject) {
			s.Request.URL.Path = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := page()
			change(s)
			if refusal := Admit(s); refusal != nil {
				t.Errorf("refused: %v", refusal)
			}
		})
	}
	for name, path := range map[string]string{
		"dots behind a challenge's path, which lead elsewhere": "/.well-known/acme-challenge/../../account",
		"escaped ones": "/.well-known/acme-challenge/%2e%2e/account",
		"no token":     "/.well-known/acme-challenge/",
	} {
		t.Run(name, func(t *testing.T) {
			s := page()
			s.Request.URL.Path = path
			if refusal := Admit(s); refusal == nil || refusal.Reason != model.RedirectedHTTPS {
				t.Errorf("served in the clear: %v", refusal)
			}
		})
	}
	t.Run("a request without a host has nowhere to go", func(t *testing.T) {
		s := page()
		s.Request = request(t, "GET / HTTP/1.0", "")
		if refusal := Admit(s); refusal == nil || refusal.Reason != model.ProtocolRefused {
			t.Errorf("got %v", refusal)
		}
	})
}

func TestSocketsInTheClearAreTreatedAsTheRouteSays(t *testing.T) {
	for how, want := range map[model.InsecureUpgrade]int{
		model.ServeInsecure: 0, model.RefuseInsecure: http.StatusUpgradeRequired, model.RedirectInsecure: http.StatusPermanentRedirect,
	} {
		s := subject(t, request(t, "GET /.well-known/acme-challenge/x HTTP/1.1", "a"),
			model.Route{Protocols: model.WebSocket, RedirectHTTPS: true, InsecureUpgrade: how})
		s.Upgrade = websocket
		status := 0
		if refusal := Admit(s); refusal != nil {
			status = refusal.Status
			if status == http.StatusUpgradeRequired && (refusal.Reason != model.NotSecure || refusal.Header["Upgrade"] == "") {
				t.Errorf("%s: %v", how, refusal)
			}
		}
		if status != want {
			t.Errorf("%s: %d, want %d", how, status, want)
		}
		s.Secure = true
		if refusal := Admit(s); refusal != nil {
			t.Errorf("%s, over TLS: %v", how, refusal)
		}
	}
}
