package proxy_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/model"
)

func TestWhatIsNoGoodAnswerIsABadUpgrade(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	var told []string
	for name, answer := range map[string]string{
		"another key":    strings.Replace(enter, "s3p", "S3P", 1),
		"no key":         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"garbage":        "SSH-2.0-OpenSSH_9.9\r\n",
		"an early break": "HTTP/1.1 101 Switching Protocols\r\nConnection Upgrade\r\n\r\n",
		"a large head":   "HTTP/1.1 101 Switching Protocols\r\nX-Large: " + strings.Repeat("x", 70<<10) + "\r\n" + enter[len("HTTP/1.1 101 Switching Protocols\r\n"):],
		"HTTP/1.0":       strings.Replace(enter, "HTTP/1.1", "HTTP/1.0", 1),
		"another one":    strings.Replace(enter, "websocket", "chat", 1),
		"many interims":  strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 6) + enter,
	} {
		client := r.connect()
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		_, _ = io.WriteString(endpoint, answer) // it may be cut off
		_ = endpoint.CloseWrite()
		if client.answered(502, "BadUpgrade: "); t.Failed() {
			t.Fatal(name)
		}
		endpoint.gone()
		told = append(told, "BadUpgrade")
	}
	r.comesTo(told...)
}

func TestInterimAnswersAreSkipped(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	for _, interim := range []string{
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
	} {
		client := r.connect()
		client.says(knock + hello)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(interim + enter + world)
		client.letIn()
		client.hears(world)
		endpoint.hears(hello)
		talk(client, endpoint)
	}
	r.comesTo("Established", "Established")
}

func TestAfterAnAnswerOtherThan101TheConnectionGoesOn(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	client := r.connect()
	for _, cut := range []int{0, 5, 9, 40} {
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		no := "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: full\r\n\r\nfull!\n"
		endpoint.says(no[:cut])
		time.Sleep(time.Millisecond)
		endpoint.says(no[cut:])
		if a := client.answered(403, "full!\n"); a.Header.Get("X-Why") != "full" {
			t.Errorf("answered %v", a)
		}
		endpoint.gone()
	}
	client.says(knock)
	endpoint := g.next()
	endpoint.head()
	endpoint.says(enter)
	client.letIn()
	talk(client, endpoint)
	r.comesTo("EndpointRefused", "EndpointRefused", "EndpointRefused", "EndpointRefused", "Established")
}

func TestARequestBehindARefusedOneIsServed(t *testing.T) {
	r := begin(t)
	r.publish(with(at(refusing(t)), func(r *model.Route) { r.Protocols |= model.HTTP }))
	const page = "GET /page HTTP/1.1\r\nHost: nobody.example.com\r\n\r\n"
	client := r.connect()
	client.says(knock + page + knock)
	client.answered(502, "ConnectFailed: ")
	client.answered(404, "NoRoute: ")
	client.answered(502, "ConnectFailed: ")
	client.says(page)
	client.answered(404, "NoRoute: ")
	r.comesTo("ConnectFailed", "ConnectFailed")
}

func TestEndpointsMaySpeakTLS(t *testing.T) {
	p := newPod(t, "secret")
	p.server.Close()
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.ServeHTTP))
	p.server.StartTLS()
	r := begin(t)
	r.publish(with(service(p), func(r *model.Route) { r.Backends[0].Scheme = model.Secure }))
	s := r.open(host, "/")
	if got := s.say("x"); got != "secret: x" {
		t.Errorf("heard %q", got)
	}
	_ = s.Close()
	g := newGate(t)
	r.publish(with(between(g), func(r *model.Route) { r.Backends[0].Scheme = model.Secure }))
	client := r.connect()
	client.says(knock + hello)
	endpoint := tls.Server(g.next(), p.server.TLS)
	var request [4096]byte
	if n, err := endpoint.Read(request[:]); !strings.HasPrefix(string(request[:n]), "GET /room HTTP/1.1\r\n") {
		t.Errorf("asked %q, %v", request[:n], err)
	}
	_ = client.Close()
	if _, err := io.ReadAll(endpoint); err != nil && !strings.Contains(err.Error(), "EOF") {
		t.Error(err)
	}
	_ = g.l.Close()
	client = r.connect()
	client.says(knock)
	client.answered(502, "ConnectFailed: ")
	r.comesTo("Established", "ClientGone", "ConnectFailed")
}

func TestAPanicInACheckCostsItsOwnRequestOnly(t *testing.T) {
	j := new(journal)
	s, err := proxy.New(proxy.Options{
		HTTPAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(j, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Admit(func(s *admit.Subject) *model.Refusal {
		if s.Request.URL.Path == "/room" {
			panic("a mistake of ours")
		}
		return nil
	})
	r := run(t, s)
	r.publish(service(newPod(t, "a")))
	other := r.open(host, "/other")
	for i := range 3 {
		client := r.connect()
		client.says(knock[:i*10])
		time.Sleep(time.Duration(i) * time.Millisecond)
		client.says(knock[i*10:] + hello)
		client.gone()
	}
	if got := other.say("still here"); got != "a: still here" {
		t.Errorf("heard %q", got)
	}
	_ = other.Close()
	r.comesTo("Established")
	if n := j.count("a mistake of ours"); n != 3 {
		t.Errorf("reported %d times", n)
	}
}
