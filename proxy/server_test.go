package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

const host = "chat.example.com"

func TestAMessageGoesThereAndBack(t *testing.T) {
	r := start(t)
	r.publish(service(newPod(t, "a")))
	s := r.open(host, "/room")
	if got := s.say("hello"); got != "a: hello" {
		t.Errorf("heard %q", got)
	}
	if len(s.answer.Header["Set-Cookie"]) != 0 {
		t.Error("a cookie that nobody asked for")
	}
}

func TestTheEndpointLearnsWhoTheClientIs(t *testing.T) {
	r := start(t)
	p := newPod(t, "a")
	r.publish(with(service(p), func(r *model.Route) {
		r.Rewrite = model.Rewrite{ReplacePrefix: true, PrefixReplacement: "/v2"}
	}))
	r.open(host, "/room/7?token=x", "X-Forwarded-For: 6.6.6.6", "Sec-WebSocket-Protocol: chat", "X-Custom: kept")
	seen := <-p.last
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Host": host, "X-Forwarded-Proto": "http",
		"X-Forwarded-Port": "80", "X-Forwarded-Server": "replica-1", "X-Custom": "kept", "Sec-Websocket-Protocol": "chat",
	} {
		if got := seen.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if seen.Host != host || seen.RequestURI != "/v2/room/7?token=x" {
		t.Errorf("asked for %s of %s", seen.RequestURI, seen.Host)
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	r := start(t)
	if status, body := fetch(t, "http://"+r.http()+"/", host); status != 503 || !strings.HasPrefix(body, "NotReady: ") {
		t.Errorf("before the first table: %d %s", status, body)
	}
	if status, body := r.get("/readyz"); status != 503 {
		t.Errorf("ready without a table: %d %s", status, body)
	}
	dead := newPod(t, "dead")
	dead.server.Close()
	cfg := service(newPod(t, "a"))
	cfg.Backends = append(cfg.Backends, model.Backend{Key: "empty"}, model.Backend{Key: "dead", Endpoints: []model.Endpoint{{Address: dead.address()}}})
	for path, backend := range map[string]string{"/empty": "empty", "/dead": "dead"} {
		cfg.Routes = append(cfg.Routes, model.Route{ID: path, Protocols: model.WebSocket | model.HTTP,
			Matches:  []model.Match{{Host: host, Path: model.PathMatch{Value: path}}},
			Backends: []model.BackendRef{{Backend: backend, Weight: 1}}})
	}
	r.publish(cfg)
	if status, _ := r.get("/readyz"); status != 200 {
		t.Errorf("not ready with a table: %d", status)
	}
	for _, c := range []struct {
		host, path, header string
		upgrade            bool
		status             int
		reason             model.Reason
	}{
		{"nobody.example.com", "/", "", true, 404, model.NoRoute},
		{host, "/", "", false, 426, model.NotWebSocket},
		{host, "/", "Sec-WebSocket-Version: 8", true, 426, model.BadVersion},
		{host, "/", "Sec-WebSocket-Key: short", true, 400, model.BadHandshake},
		{host, "/empty", "", true, 503, model.NoEndpoint},
		{host, "/dead", "", true, 502, model.ConnectFailed},
		{host, "/empty", "", false, 503, model.NoEndpoint},
		{host, "/dead", "", false, 502, model.ConnectFailed},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.http()+c.path, nil)
		request.Host = c.host
		if c.upgrade {
			request.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		}
		if name, value, found := strings.Cut(c.header, ": "); found {
			request.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(answer.Body).ReadString('\n')
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || !strings.HasPrefix(line, string(c.reason)+": ") {
			t.Errorf("%+v: %d %s", c, answer.StatusCode, line)
		}
		if c.status == 426 && c.upgrade && answer.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Error("426 does not say which version")
		}
	}
	_, metrics := r.get("/metrics")
	if want := `fairlead_handshakes_total{reason="NoEndpoint",route="/empty"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("no %s in\n%s", want, metrics)
	}
}

func TestGarbageDisturbsNobody(t *testing.T) {
	r := start(t)
	r.publish(service(newPod(t, "a")))
	s := r.open(host, "/")
	for _, garbage := range []string{"\x16\x03\x01\x02", "GET", "GET / HTTP/9.9\r\n\r\n", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", strings.Repeat("x", 100000)} {
		conn, err := net.Dial("tcp", r.http())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(garbage))
		_ = conn.Close()
	}
	if got := s.say("still here"); got != "a: still here" {
		t.Errorf("heard %q", got)
	}
}

func TestAnotherEndpointIsTriedWhenOneDoesNotConnect(t *testing.T) {
	r := start(t)
	dead, alive := newPod(t, "dead"), newPod(t, "alive")
	dead.server.Close()
	cfg := with(service(dead, alive), func(r *model.Route) { r.Protocols |= model.HTTP })
	r.publish(cfg)
	for i := range 6 {
		if got := r.open(host, "/").say("x"); got != "alive: x" {
			t.Errorf("heard %q", got)
		}
		answer, err := http.Post("http://"+r.http()+"/form", "text/plain", strings.NewReader(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != 404 { // no Host: chat.example.com in http.Post
			t.Errorf("status %d", answer.StatusCode)
		}
		request, _ := http.NewRequest(http.MethodPost, "http://"+r.http()+"/form", strings.NewReader("body"))
		request.Host = host
		if answer, err = http.DefaultClient.Do(request); err != nil {
			t.Fatal(err)
		}
		var got string
		_, _ = fmt.Fscanf(answer.Body, "alive POST /form %s", &got)
		_ = answer.Body.Close()
		if got != "body" {
			t.Errorf("a retried POST brought %q", got)
		}
	}
	eventually(t, "the sockets are counted, and the requests no more", func() bool {
		view := r.Table().View()[0]
		return view.Backends[0].Endpoints[0].Sessions == 0 && view.Sessions == 6
	})
}

func TestAnAnswerOtherThan101IsPassedOnAndTheConnectionGoesOn(t *testing.T) {
	answers := 0
	refuser := newPod(t, "refuser")
	refuser.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answers++
		w.Header().Set("X-Why", "full")
		http.Error(w, "come back later", http.StatusTeapot)
	})
	r := start(t)
	r.publish(service(refuser))
	conn, err := net.Dial("tcp", r.http())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	br := bufio.NewReader(conn)
	for range 2 {
		_, _ = conn.Write([]byte("GET /x HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
		answer, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		var body [100]byte
		n, _ := answer.Body.Read(body[:])
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusTeapot || answer.Header.Get("X-Why") != "full" || string(body[:n]) != "come back later\n" {
			t.Errorf("%v %q", answer, body[:n])
		}
	}
	if answers != 2 {
		t.Errorf("%d answers", answers)
	}
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	p := newPod(t, "breaks")
	p.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, "because ")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	r := start(t)
	r.publish(service(p))
	_, answer, err := r.dial(host, "/")
	if err == nil || answer == nil {
		t.Fatalf("answered %v, %v", answer, err)
	}
	conn, err := net.Dial("tcp", r.http())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	whole, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(whole.Body); err == nil {
		t.Error("half an answer came as a whole")
	}
	_ = whole.Body.Close()
}

func TestPlainRequestsAndStreamsAreServedWhereTheRouteAllows(t *testing.T) {
	p := newPod(t, "a")
	release := make(chan struct{})
	defer close(release)
	plain := p.server.Config.Handler
	p.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v2/events" {
			plain.ServeHTTP(w, req)
			return
		}
		_, _ = fmt.Fprint(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-req.Context().Done():
		}
	})
	r := start(t)
	r.publish(with(service(p), func(r *model.Route) {
		r.Protocols |= model.HTTP
		r.Rewrite = model.Rewrite{ReplacePrefix: true, PrefixReplacement: "/v2"}
		r.Balance.Sticky = &model.StickyCookie{}
	}))
	if status, body := fetch(t, "http://"+r.http()+"/page?a=b;c", host); status != 200 || body != "a GET /v2/page?a=b;c " {
		t.Errorf("%d %s", status, body)
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.http()+"/events", nil)
	request.Host = host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); line != "data: one\n" {
		t.Errorf("the first event is %q, %v", line, err)
	}
	if len(answer.Cookies()) != 1 {
		t.Error("no sticky cookie on a plain answer")
	}
}

func TestASilentEndpointOfAPlainRequestIsGivenUp(t *testing.T) {
	p := newPod(t, "silent")
	p.server.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := start(t)
	r.publish(with(service(p), func(r *model.Route) {
		r.Protocols |= model.HTTP
		r.Timeouts.Idle = model.Timeout(50 * time.Millisecond)
	}))
	if status, body := fetch(t, "http://"+r.http()+"/", host); status != 504 || !strings.HasPrefix(body, "IdleTimeout: ") {
		t.Errorf("%d %s", status, body)
	}
}

func TestATrustedProxyMayNameTheClient(t *testing.T) {
	p := newPod(t, "a")
	r := start(t, func(o *proxy.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	r.publish(service(p))
	r.open(host, "/", "X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-Proto: https")
	seen := <-p.last
	if got := seen.Header.Get("X-Forwarded-For"); got != "6.6.6.6, 203.0.113.9, 127.0.0.1" {
		t.Errorf("X-Forwarded-For is %q", got)
	}
	if got := seen.Header.Get("X-Real-Ip"); got != "203.0.113.9" {
		t.Errorf("X-Real-IP is %q", got)
	}
	eventually(t, "the session is listed with the client's address", func() bool {
		_, sessions := r.get("/sessions")
		return strings.Contains(sessions, "203.0.113.9")
	})
}

func TestPlainHTTPIsSentToHTTPSButSocketsAreServed(t *testing.T) {
	r := start(t, func(o *proxy.Options) { o.RedirectPort = 8443 })
	r.publish(with(service(newPod(t, "a")), func(r *model.Route) {
		r.Protocols |= model.HTTP
		r.RedirectHTTPS = true
	}))
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.http()+"/a?b=c", nil)
	request.Host = host + ":8080"
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if got := answer.Header.Get("Location"); answer.StatusCode != 308 || got != "https://chat.example.com:8443/a?b=c" {
		t.Errorf("%d to %s", answer.StatusCode, got)
	}
	if got := r.open(host, "/").say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
}

func TestAnAbsoluteTargetMayLeaveThePathOut(t *testing.T) {
	r := start(t)
	r.publish(with(service(newPod(t, "a")), func(r *model.Route) { r.Protocols |= model.HTTP }))
	conn, err := net.Dial("tcp", r.http())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte("GET http://chat.example.com HTTP/1.1\r\nHost: chat.example.com\r\n\r\n"))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "a GET / " {
		t.Errorf("answered %q, %v", body, err)
	}
}
