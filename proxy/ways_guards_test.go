package proxy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Routes of all kinds guard the same whichever way a handshake takes: nobody must get in by cutting it
// in two, or by not doing so.
func TestBothWaysGuardTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4)) // the same in every run
	ends := &guardedEnds{pod: mirror(t, "X-Seen"), spare: mirror(t, "X-Spare"), doorman: newDoorman(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-User", r.RequestURI+r.Header.Get("X-A"))
		if r.Header.Get("X-A") == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})}
	cfg := ends.routes(random, 150)
	var replicas [2]*replica
	for i := range replicas {
		replicas[i] = start(t, trusting)
		replicas[i].publish(cfg)
	}
	seen := map[string]int{}
	for i := range cfg.Routes {
		for range 4 {
			request := knocking(random, cfg.Routes[i].Matches[0].Host)
			whole, cut := replicas[0].tells(request, true), replicas[1].tells(request, false)
			if whole != cut {
				t.Errorf("%s\non %+v\nwhole it is\n%s\nand cut\n%s", request, cfg.Routes[i], whole, cut)
			}
			seen[whole[:3]]++
		}
	}
	for _, status := range []string{"101", "307", "308", "401", "403", "404", "426", "503"} {
		if seen[status] == 0 {
			t.Errorf("nobody was answered %s: %v", status, seen)
		}
	}
}

// mirror is an endpoint that says in a header what it was asked. It fails when it is told to.
func mirror(t *testing.T, says string) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := fmt.Sprintf("%s %s %s %v", r.Method, r.RequestURI, r.Host, r.Header) // fmt sorts
		w.Header().Set(says, seen)
		switch fail := r.Header.Get("X-Fail"); {
		case fail == "404":
			w.WriteHeader(http.StatusNotFound)
		case fail != "":
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("Upgrade") != "":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, "%s%s: %s\r\nSet-Cookie: e=1\r\n\r\n", strings.TrimSuffix(enter, "\r\n"), says, seen)
			_ = conn.Close()
		}
	}))
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// guardedEnds are what routes lead to, and who is asked.
type guardedEnds struct {
	pod, spare netip.AddrPort
	doorman    *doorman
}

// routes makes routes of which each wants some things.
func (ends *guardedEnds) routes(random *rand.Rand, n int) model.Config {
	cfg := model.Config{Backends: []model.Backend{
		{Key: "pods", Endpoints: []model.Endpoint{{Address: ends.pod}}}, {Key: "spare", Endpoints: []model.Endpoint{{Address: ends.spare}}}, {Key: "nobody"},
	}}
	for i := range n {
		r := model.Route{
			ID: fmt.Sprint("route-", i), Matches: []model.Match{{Host: fmt.Sprintf("h%d.example.com", i)}},
			Protocols: model.WebSocket | model.HTTP, Backends: []model.BackendRef{{Backend: "pods", Weight: 1}},
		}
		for _, want := range ends.wants() {
			if random.IntN(want.oneOf) == 0 {
				want.change(&r)
			}
		}
		cfg.Routes = append(cfg.Routes, r)
	}
	return cfg
}

type want struct {
	oneOf  int // as many routes don't want it
	change func(*model.Route)
}

func (ends *guardedEnds) wants() []want {
	network := netip.MustParsePrefix
	return []want{
		{8, func(r *model.Route) { r.Protocols = model.HTTP }},
		{8, func(r *model.Route) { r.Protocols = model.WebSocket }},
		{6, func(r *model.Route) { r.RedirectHTTPS, r.InsecureUpgrade = true, model.RefuseInsecure }},
		{9, func(r *model.Route) { r.RedirectHTTPS, r.InsecureUpgrade = true, model.RedirectInsecure }},
		{10, func(r *model.Route) {
			r.Redirect = &model.Redirect{Status: 307, Location: "https://example.com$request_uri"}
		}},
		{3, func(r *model.Route) { r.Access.Allow = []netip.Prefix{network("10.0.0.0/8")} }},
		{6, func(r *model.Route) { r.Access.Deny = []netip.Prefix{network("10.0.0.1/32")} }},
		{4, func(r *model.Route) { r.Access.Origins = []string{"https://*.example.com"} }},
		{4, func(r *model.Route) { r.Access.Basic = &model.BasicAuth{Users: users} }},
		{4, func(r *model.Route) {
			r.Access.External = &model.ExternalAuth{URL: ends.doorman.URL + "/v?$args", ResponseHeaders: []string{"X-User", "Authorization"}}
		}},
		{3, func(r *model.Route) { r.Access.SatisfyAny = true }},
		{15, func(r *model.Route) { r.Access.Sealed = "the guard can't be read" }},
		{10, func(r *model.Route) {
			r.Access.ClientCert = &model.ClientCert{Mode: model.UnverifiedCert}
		}},
		{3, func(r *model.Route) {
			r.CORS = &model.CORS{Origins: []string{"https://*.example.com"}, Credentials: true}
		}},
		{3, func(r *model.Route) {
			r.Headers.Request = model.HeaderEdits{Remove: []string{"X-Gone"}, Set: []model.Field{{Name: "X-A", Value: "set"}}, Add: []model.Field{{Name: "Cookie", Value: "z=1"}}}
		}},
		{3, func(r *model.Route) {
			r.Headers.Response = model.HeaderEdits{Remove: []string{"Set-Cookie"}, Set: []model.Field{{Name: "X-R", Value: "r"}}}
		}},
		{4, func(r *model.Route) {
			r.Rewrite = model.Rewrite{ReplacePrefix: true, PrefixReplacement: "/new", Host: "inner"}
		}},
		{4, func(r *model.Route) {
			r.Canary = &model.Canary{Backend: model.BackendRef{Backend: "spare"}, Header: "X-C", HeaderPattern: "^al", Cookie: "canary"}
		}},
		{3, func(r *model.Route) {
			r.Fallback = &model.Fallback{Backend: model.BackendRef{Backend: "spare"}, Errors: []int{404, 503}}
		}},
		{8, func(r *model.Route) { r.Backends[0].Backend = "nobody" }},
		{4, func(r *model.Route) {
			r.Balance.Sticky = &model.StickyCookie{Mode: model.Persistent, Name: "S", Stay: true}
		}},
		{4, func(r *model.Route) {
			r.Limits.Rates = []model.Rate{{Events: 1, Per: time.Hour, Burst: 2}}
		}},
		{4, func(r *model.Route) { r.Retries = model.Retries{On: model.RetryError, Statuses: []int{503}} }},
	}
}

// knocking makes a handshake with some of what clients say, true or not.
func knocking(random *rand.Rand, host string) string {
	paths := []string{"/", "/a/b?x=1", "/.well-known/acme-challenge/token", "/a/../b", "/a%2Fb;x", "//x"}
	lines := []string{
		"X-Forwarded-For: 10.0.0.2", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "Origin: https://a.example.com", "Origin: https://evil.example",
		"Authorization: Basic am9lOnNlc2FtZQ==", "Authorization: Basic xx", "X-A: 1", "X_A: 2", "X-User: root", "X-Gone: 1",
		"Connection: X-A, Authorization", "X-C: always", "Cookie: canary=always; S=12", "X-Fail: 404", "X-Fail: 503", "Sec-WebSocket-Protocol: a, b",
	}
	lines = slices.DeleteFunc(lines, func(string) bool { return random.IntN(3) > 0 })
	return asking("GET "+paths[random.IntN(len(paths))]+" HTTP/1.1", host, lines...)
}

// everNew is what differs from one replica to the other.
var everNew = regexp.MustCompile(`S=[0-9a-f-]+`)

// tells returns the answer to a request, in words.
func (r *replica) tells(request string, whole bool) string {
	client := r.ask(request, whole)
	defer func() { _ = client.Close() }()
	got, err := http.ReadResponse(client.from, &http.Request{Method: http.MethodGet})
	if err != nil {
		return err.Error()
	}
	got.Header.Del("Date")
	if got.Header.Get("Retry-After") != "" {
		got.Header.Set("Retry-After", "some time")
	}
	var body []byte
	if got.StatusCode != http.StatusSwitchingProtocols {
		body, err = io.ReadAll(got.Body)
		_ = got.Body.Close()
	}
	return everNew.ReplaceAllString(fmt.Sprint(got.StatusCode, got.Header, string(body), err), "S=E")
}
