package proxy_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/model"
)

// ask sends bytes to the replica, whole or cut in two: whole, an event loop may take them on.
func (r *replica) ask(request string, whole bool) *wire {
	r.t.Helper()
	w := r.connect()
	if whole {
		w.says(request)
		return w
	}
	w.says(request[:5])
	time.Sleep(5 * time.Millisecond) // mostly enough for two segments
	w.says(request[5:])
	return w
}

// answersTo returns the answer to a request, without its body.
func (w *wire) answersTo(method string) *http.Response {
	w.t.Helper()
	got, err := http.ReadResponse(w.from, &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	if got.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
	}
	return got
}

// guarded is a chat that is let in, or not, by the story's route.
func guarded(change func(*model.Route), pods ...*pod) model.Config {
	return with(service(pods...), func(r *model.Route) {
		r.Protocols = model.WebSocket | model.HTTP
		change(r)
	})
}

// both tells a story for handshakes that a loop may take on and for those of net/http.
func both(t *testing.T, story func(t *testing.T, whole bool)) {
	t.Helper()
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprintf("whole %v", whole), func(t *testing.T) { story(t, whole) })
	}
}

func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		access model.Access
		line   string
		status int
		reason string
	}{
		"from a network that is denied":      {access: model.Access{Deny: loopback, Allow: loopback}, status: 403, reason: "SourceRefused"},
		"from a network that is not allowed": {access: model.Access{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, line: "X-Forwarded-For: 10.0.0.1", status: 403, reason: "SourceRefused"},
		"from a network that is allowed":     {access: model.Access{Allow: loopback}, status: 101},
		"from a foreign page":                {access: model.Access{Origins: []string{"https://chat.example.com"}}, line: "Origin: https://evil.example", status: 403, reason: "OriginRefused"},
		"from a page of ours":                {access: model.Access{Origins: []string{"https://*.example.com"}}, line: "Origin: https://chat.example.com", status: 101},
		"from no page":                       {access: model.Access{Origins: []string{"https://*.example.com"}}, status: 101},
		"without a password":                 {access: model.Access{Basic: &model.BasicAuth{Users: users}}, status: 401, reason: "Unauthorized"},
		"with a wrong one":                   {access: model.Access{Basic: &model.BasicAuth{Users: users}}, line: "Authorization: Basic am9lOmJsb2dncw==", status: 401, reason: "Unauthorized"},
		"with the right one":                 {access: model.Access{Basic: &model.BasicAuth{Users: users}}, line: "Authorization: Basic am9lOnNlc2FtZQ==", status: 101},
		"when the guard can't be read":       {access: model.Access{Sealed: "the Secret is missing"}, status: 503, reason: "Sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, whole bool) {
				r := start(t)
				r.publish(guarded(func(r *model.Route) { r.Access = c.access }, newPod(t, "a")))
				var lines []string
				if c.line != "" {
					lines = append(lines, c.line)
				}
				client := r.ask(plus(lines...), whole)
				if got := client.answersTo("GET"); got.StatusCode != c.status {
					t.Errorf("answered %d, want %d", got.StatusCode, c.status)
				}
				_ = client.Close()
				if c.reason != "" {
					r.comesTo(c.reason)
				}
			})
		})
	}
}

// users are joe, whose password is sesame.
const users = "joe:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n"

// doorman is a service that is asked who may come in.
type doorman struct {
	*httptest.Server
	asked atomic.Int64
}

func newDoorman(t *testing.T, h http.HandlerFunc) *doorman {
	t.Helper()
	d := new(doorman)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func TestAServiceSaysWhoMayComeIn(t *testing.T) {
	d := newDoorman(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Content-Length"} {
			if r.Header.Get(name) != "" {
				t.Errorf("asked with %s: %s", name, r.Header.Get(name))
			}
		}
		if got := r.Header.Get("X-Original-Url"); got != "http://chat.example.com/room" {
			t.Errorf("X-Original-URL: %s", got)
		}
		if got := r.Header.Get("X-Real-Ip"); got != "127.0.0.1" {
			t.Errorf("X-Real-IP: %s", got)
		}
		w.Header().Set("Set-Cookie", "seen=1")
		if r.Header.Get("Cookie") != "id=7" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-User", "joe")
	})
	both(t, func(t *testing.T, whole bool) {
		p := newPod(t, "a")
		r := start(t)
		r.publish(guarded(func(r *model.Route) {
			r.Access.External = &model.ExternalAuth{URL: d.URL + "/verify", ResponseHeaders: []string{"X-User", "X-Groups"}, SignIn: "https://login.example.com/?x=1"}
		}, p))
		client := r.ask(plus("Cookie: id=7", "X-User: root", "X_User: root", "X-Groups: admins", "X-Original-URL: http://other/"), whole)
		got := client.answersTo("GET")
		if got.StatusCode != http.StatusSwitchingProtocols || got.Header.Get("Set-Cookie") != "seen=1" {
			t.Fatalf("answered %d %v", got.StatusCode, got.Header)
		}
		seen := <-p.last
		if told := fmt.Sprint(seen.Header["X-User"], seen.Header["X_user"], seen.Header["X-Groups"]); told != "[joe] [] []" {
			t.Errorf("the endpoint was told %v", seen.Header)
		}
		_ = client.Close()

		stranger := r.ask(plus(), whole)
		if got := stranger.answersTo("GET"); got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") != "Bearer" || got.Header["Set-Cookie"] != nil {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		_ = stranger.Close()
		page := r.ask("GET /room HTTP/1.1\r\nHost: chat.example.com\r\n\r\n", whole)
		if got := page.answersTo("GET"); got.StatusCode != 302 || got.Header.Get("Location") != "https://login.example.com/?x=1&rd=http%3A%2F%2Fchat.example.com%2Froom" {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		_ = page.Close()
		r.comesTo("Established", "AuthRefused")
	})
}

func TestASlowServiceHoldsUpNobodyElse(t *testing.T) {
	release := make(chan struct{})
	d := newDoorman(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	p := newPod(t, "a")
	cfg := service(p)
	slow := cfg.Routes[0]
	slow.ID, slow.Matches = "wsr/prod/slow/0", []model.Match{{Host: "slow.example.com"}}
	slow.Access.External = &model.ExternalAuth{URL: d.URL, Timeout: model.Timeout(300 * time.Millisecond)}
	cfg.Routes = append(cfg.Routes, slow)
	r := start(t)
	r.publish(cfg)
	var waiting []*wire
	for range 50 {
		client := r.connect()
		client.says(asking("GET /room HTTP/1.1", "slow.example.com"))
		waiting = append(waiting, client)
	}
	for range 20 {
		if got := r.open(host, "/").say("x"); got != "a: x" {
			t.Fatal(got)
		}
	}
	for _, client := range waiting {
		client.answered(500, "AuthFailed: ")
	}
}

func TestSessionsAreCountedToTheirEnd(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		r := start(t)
		cfg := guarded(func(r *model.Route) { r.Limits = model.Limits{Sessions: 3, SessionsPerClient: 2} }, newPod(t, "a"))
		r.publish(cfg)
		enter := func(want int) *wire {
			t.Helper()
			client := r.ask(knock, whole)
			got := client.answersTo("GET")
			if got.StatusCode != want {
				t.Fatalf("answered %d, want %d", got.StatusCode, want)
			}
			if want == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "" {
				t.Error("nobody is told when to come back")
			}
			return client
		}
		first, second := enter(101), enter(101)
		enter(503)
		// A publish that changes the route forgets nothing.
		r.publish(with(cfg, func(r *model.Route) { r.Limits.SessionsPerClient = 3; r.NoLog = true }))
		third := enter(101)
		enter(503)
		for _, client := range []*wire{first, second, third} {
			_ = client.Close()
		}
		r.quiet()
		for range 3 {
			enter(101)
		}
		enter(503)
	})
}

func TestRequestsThatComeToNothingAreCountedOut(t *testing.T) {
	nobody := func(r *model.Route) { r.Backends = nil }
	for name, change := range map[string]func(*model.Route){
		"no endpoint": nobody,
		"refused":     func(r *model.Route) { r.Access.Origins = []string{"https://a.example"} },
		"no password": func(r *model.Route) { r.Access.Basic = &model.BasicAuth{Users: users} },
		"not served":  func(r *model.Route) { r.Protocols = model.HTTP },
		"a redirect":  func(r *model.Route) { r.Redirect = &model.Redirect{Status: 302, Location: "/x"} },
		"an encrypted one": func(r *model.Route) {
			r.Backends[0].Scheme = model.Secure
			r.BackendTLS.Verify = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, whole bool) {
				r := start(t)
				r.publish(guarded(func(r *model.Route) { r.Limits.Sessions, r.Limits.SessionsPerClient = 5, 5; change(r) }, newPod(t, "a")))
				for range 8 {
					client := r.ask(plus("Origin: https://evil.example"), whole)
					if got := client.answersTo("GET"); got.StatusCode == 101 || strings.Contains(got.Status, "TooMany") {
						t.Fatalf("answered %s", got.Status)
					}
					body := r.connect()
					body.says(plus("Origin: https://evil.example"))
					_ = body.Close() // and one that leaves, now or in the next round
					_ = client.Close()
					r.quiet()
					eventually(t, "no handshake is counted", func() bool { return r.Handshakes() == 0 })
				}
				_, metrics := r.get("/metrics")
				if strings.Contains(metrics, "TooMany") {
					t.Error("a request that was over still counted")
				}
			})
		})
	}
}

func TestWhoComesTooOftenMustWait(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		r := start(t)
		r.publish(guarded(func(r *model.Route) {
			r.Limits.PerClient = []model.Rate{{Events: 1, Per: time.Minute, Burst: 2}}
			r.Access.Basic = &model.BasicAuth{Users: users}
		}, newPod(t, "a")))
		for _, want := range []int{401, 401, 401, 503} {
			client := r.ask(knock, whole)
			if got := client.answersTo("GET"); got.StatusCode != want {
				t.Errorf("answered %d, want %d", got.StatusCode, want)
			}
			_ = client.Close()
		}
		r.comesTo("Unauthorized", "Unauthorized", "Unauthorized", "TooManyRequests")
	})
}

func TestHeadersAreChangedOnBothWays(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		p := newPod(t, "a")
		r := start(t)
		r.publish(guarded(func(r *model.Route) {
			r.Headers = model.Headers{
				Request:  model.HeaderEdits{Remove: []string{"X-Debug"}, Set: []model.Field{{Name: "X-Tenant", Value: "acme"}}, Add: []model.Field{{Name: "X-Seen", Value: "b"}}},
				Response: model.HeaderEdits{Remove: []string{"Server"}, Set: []model.Field{{Name: "X-Frame-Options", Value: "DENY"}}},
			}
		}, p))
		for _, request := range []string{
			plus("X-Debug: 1", "X-Tenant: evil", "X_Tenant: evil", "X-Seen: a"),
			"GET /room HTTP/1.1\r\nHost: chat.example.com\r\nX-Debug: 1\r\nX-Tenant: evil\r\nX_Tenant: evil\r\nX-Seen: a\r\n\r\n",
			strings.Replace(plus("X-Debug: 1", "X-Tenant: evil", "X_tenant: evil", "X-Seen: a"), "Version: 13", "Version: 12", 1),
		} {
			client := r.ask(request, whole)
			got := client.answersTo("GET")
			if got.Header.Get("X-Frame-Options") != "DENY" {
				t.Errorf("answered %v", got)
			}
			_ = client.Close()
			if got.StatusCode == http.StatusUpgradeRequired {
				continue
			}
			seen := <-p.last
			if seen.Header["X-Debug"] != nil || seen.Header["X_tenant"] != nil ||
				fmt.Sprint(seen.Header["X-Tenant"], seen.Header["X-Seen"]) != "[acme] [a b]" {
				t.Errorf("the endpoint got %v", seen.Header)
			}
		}
	})
}

func TestContentHasABound(t *testing.T) {
	p := newPod(t, "a")
	r := start(t)
	r.publish(guarded(func(r *model.Route) { r.MaxBody = 10 }, p))
	const begin = "POST /room HTTP/1.1\r\nHost: chat.example.com\r\n"
	for _, c := range []struct {
		request string
		status  int
	}{
		{begin + "Content-Length: 10\r\n\r\n0123456789", 200},
		{begin + "Content-Length: 11\r\n\r\n0123456789a", 413},
		{begin + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n", 413},
		{begin + "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", 200},
		{begin + "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n", 413},
	} {
		client := r.connect()
		client.says(c.request)
		if got := client.answersTo("POST"); got.StatusCode != c.status {
			t.Errorf("%q: answered %d, want %d", c.request, got.StatusCode, c.status)
		}
		_ = client.Close()
	}
	r.quiet()
}

func TestErrorsHaveAPageOfTheirOwn(t *testing.T) {
	p := newPod(t, "a").serving(func(w http.ResponseWriter, req *http.Request) {
		http.Error(w, "the endpoint's own", map[string]int{"/missing": 404, "/broken": 500, "/full": 503}[req.URL.Path])
	})
	pages := make(chan http.Header, 10)
	fallback := newPod(t, "pages").serving(func(w http.ResponseWriter, req *http.Request) {
		pages <- req.Header.Clone()
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "sorry")
	})
	cfg := guarded(func(r *model.Route) {
		r.Fallback = &model.Fallback{Backend: model.BackendRef{Backend: "prod/pages:80"}, Errors: []int{404, 503}, Told: []model.Field{{Name: "X-Namespace", Value: "prod"}}}
	}, p)
	cfg.Backends = append(cfg.Backends, model.Backend{Key: "prod/pages:80", Endpoints: []model.Endpoint{{Address: fallback.address()}}})
	both(t, func(t *testing.T, whole bool) {
		r := start(t)
		r.publish(cfg)
		for path, want := range map[string]string{"/missing": "404 sorry", "/broken": "500 the endpoint's own\n", "/full": "503 sorry"} {
			for _, request := range []string{
				"GET " + path + " HTTP/1.1\r\nHost: chat.example.com\r\nAccept: text/html\r\nCookie: secret=1\r\n\r\n",
				asking("GET "+path+" HTTP/1.1", host, "Accept: text/html", "Cookie: secret=1"),
			} {
				client := r.ask(request, whole)
				status, body, err := answer(t, client.from)
				if got := fmt.Sprintf("%d %s", status, body); got != want || err != nil {
					t.Errorf("%s: %s (%v), want %s", path, got, err, want)
				}
				_ = client.Close()
				if strings.HasSuffix(want, "sorry") {
					asked := <-pages
					if asked.Get("X-Code") != want[:3] || asked.Get("X-Format") != "text/html" || asked.Get("X-Namespace") != "prod" || asked.Get("Cookie") != "" {
						t.Errorf("asked with %v", asked)
					}
				}
			}
		}
		r.quiet()
	})
}

func TestPagesOfOtherOriginsAreToldWhatTheyMayDo(t *testing.T) {
	p := newPod(t, "a").serving(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://endpoint.example")
		_, _ = io.WriteString(w, req.Method)
	})
	r := start(t)
	r.publish(guarded(func(r *model.Route) {
		r.Access.Basic = &model.BasicAuth{Users: users}
		r.CORS = &model.CORS{Origins: []string{"https://*.example.com"}, Methods: []string{"GET", "PUT"}, Credentials: true, MaxAge: time.Hour}
	}, p))
	const begin = " /x HTTP/1.1\r\nHost: chat.example.com\r\nOrigin: "
	for _, c := range []struct {
		request, origin string
		status          int
	}{
		{"OPTIONS" + begin + "https://app.example.com\r\n\r\n", "https://app.example.com", 204}, // without a password
		{"OPTIONS" + begin + "https://evil.example\r\n\r\n", "", 401},
		{"GET" + begin + "https://app.example.com\r\n\r\n", "https://app.example.com", 401}, // pages may read why
		{"GET" + begin + "https://app.example.com\r\nAuthorization: Basic am9lOnNlc2FtZQ==\r\n\r\n", "https://app.example.com", 200},
		{"GET" + begin + "https://evil.example\r\nAuthorization: Basic am9lOnNlc2FtZQ==\r\n\r\n", "https://endpoint.example", 200},
	} {
		client := r.connect()
		client.says(c.request)
		method, _, _ := strings.Cut(c.request, " ")
		got := client.answersTo(method)
		origins := strings.Join(got.Header["Access-Control-Allow-Origin"], ",")
		if got.StatusCode != c.status || origins != c.origin || got.Header.Get("Vary") != "Origin" {
			t.Errorf("%q: answered %d %v", c.request, got.StatusCode, got.Header)
		}
		if allowed := c.origin == "https://app.example.com"; allowed != (got.Header.Get("Access-Control-Allow-Methods") == "GET, PUT") ||
			allowed != (got.Header.Get("Access-Control-Max-Age") == "3600") {
			t.Errorf("%q: answered %v", c.request, got.Header)
		}
		_ = client.Close()
	}
}

func TestChecksHoldOverTLSToo(t *testing.T) {
	d := newDoorman(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Original-Url") != "https://chat.example.com/room" {
			t.Errorf("asked about %s", r.Header.Get("X-Original-Url"))
		}
		w.Header().Set("X-User", "joe")
	})
	p := newPod(t, "a")
	r := start(t)
	r.publish(guarded(func(r *model.Route) {
		r.Limits.SessionsPerClient = 1
		r.Access.External = &model.ExternalAuth{URL: d.URL, ResponseHeaders: []string{"X-User"}, CacheKey: "$http_authorization", CacheFor: map[int]time.Duration{200: time.Minute}}
		r.Headers.Response.Set = []model.Field{{Name: "X-Frame-Options", Value: "DENY"}}
	}, p))
	_, secure, _ := r.Addrs()
	dial := func() (*websocket.Conn, *http.Response, error) {
		dialer := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host}}
		return dialer.Dial("wss://"+secure.String()+"/room", http.Header{"Host": {host}, "Authorization": {"Bearer x"}})
	}
	for range 3 {
		conn, got, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		if seen := <-p.last; seen.Header.Get("X-User") != "joe" || got.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("the endpoint got %v, the client %v", seen.Header, got.Header)
		}
		if _, got, err := dial(); err == nil || got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a second socket: %v", err)
		}
		_ = conn.Close()
		r.quiet()
	}
	if n := d.asked.Load(); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
}

func TestSomeRoutesAreNotLogged(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		j := new(journal)
		r := start(t, func(o *proxy.Options) {
			o.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		r.publish(guarded(func(r *model.Route) { r.NoLog = true }, newPod(t, "a")))
		for _, request := range []string{knock, but("Version: 13", "Version: 8"), "GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n"} {
			client := r.ask(request, whole)
			client.answersTo("GET")
			_ = client.Close()
		}
		r.comesTo("Established", "BadVersion")
		if j.count("session ") > 0 {
			t.Errorf("logged %s", j.text.String())
		}
	})
}

func TestAMistakeOfOursCountsNobodyForEver(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		s, err := proxy.New(proxy.Options{
			HTTPAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Admit(func(s *admit.Subject) *model.Refusal {
			refusal := admit.Admit(s)
			if s.Request.Header.Get("X-Break") != "" {
				panic("a mistake of ours")
			}
			return refusal
		})
		r := run(t, s)
		r.publish(guarded(func(r *model.Route) { r.Limits.Sessions, r.Limits.SessionsPerClient = 1, 1 }, newPod(t, "a")))
		for range 3 {
			client := r.ask(plus("X-Break: 1"), whole)
			client.gone()
		}
		client := r.ask(knock, whole)
		if got := client.answersTo("GET"); got.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("answered %d", got.StatusCode)
		}
		_ = client.Close()
		r.quiet()
	})
}
