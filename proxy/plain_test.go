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

	"github.com/fairlead/fairlead/proxy/model"
)

// alsoPlain lets the route serve plain requests, in which nobody may be silent for long.
func alsoPlain(idle time.Duration) func(*model.Route) {
	return func(r *model.Route) {
		r.Protocols |= model.HTTP
		r.Timeouts.Idle = model.Timeout(idle)
	}
}

// serving lets the pod answer with a handler of the story's own.
func (p *pod) serving(h http.HandlerFunc) *pod {
	p.server.Config.Handler = h
	return p
}

// raw connects to the replica, sends some bytes and gives the connection for more.
func (r *replica) raw(send string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.http())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, send); err != nil {
		r.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// answer reads one answer, body included.
func answer(t *testing.T, from *bufio.Reader) (status int, body string, err error) {
	t.Helper()
	got, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, string(text), err
}

// quiet waits until the replica counts no session and no request.
func (r *replica) quiet() {
	r.t.Helper()
	eventually(r.t, "all are counted out", func() bool {
		_, routes := r.get("/routes")
		return strings.Contains(routes, `"sessions": 0`) && strings.Count(routes, `"sessions": `) == strings.Count(routes, `"sessions": 0`)
	})
}

func TestPlainStreamsThatBreakOffAreCountedOut(t *testing.T) {
	p := newPod(t, "a").serving(func(w http.ResponseWriter, req *http.Request) {
		_, _ = fmt.Fprint(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		if req.URL.Path == "/breaks" {
			panic(http.ErrAbortHandler)
		}
		<-req.Context().Done()
	})
	r := start(t)
	r.publish(with(service(p), alsoPlain(time.Minute)))
	for range 3 {
		conn, from := r.raw("GET /events HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
		for line := ""; line != "data: one\n"; {
			var err error
			if line, err = from.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		_ = conn.Close() // as every browser does that leaves a page
		_, from = r.raw("GET /breaks HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
		if _, _, err := answer(t, from); err == nil {
			t.Error("half an answer came as a whole")
		}
	}
	r.quiet()
	if _, metrics := r.get("/metrics"); !strings.Contains(metrics, `fairlead_http_requests_total{code="200",route="wsr/prod/chat/0"} 6`) {
		t.Error("each request has one outcome")
	}
}

func TestAnEndpointThatSwitchesUnaskedIsRefused(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n",
		"HTTP/1.1 000 Nothing\r\n\r\n",
	} {
		r := start(t)
		r.publish(with(at(script(t, head)), alsoPlain(time.Minute)))
		_, from := r.raw("GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
		if status, body, _ := answer(t, from); status != http.StatusBadGateway || !strings.HasPrefix(body, "BadUpgrade: ") {
			t.Errorf("%q: %d %s", head, status, body)
		}
		r.quiet()
	}
}

// script listens, answers every request with the same bytes and stays connected.
func script(t *testing.T, head string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, head)
					_, _ = io.Copy(io.Discard, conn)
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// at is service for an endpoint that is no pod.
func at(address netip.AddrPort) model.Config {
	cfg := service()
	cfg.Backends[0].Endpoints = []model.Endpoint{{Address: address}}
	return cfg
}

func TestAnUploadMayTakeLongerThanTheIdleTimeout(t *testing.T) {
	r := start(t)
	r.publish(with(service(newPod(t, "a")), alsoPlain(400*time.Millisecond)))
	conn, from := r.raw("POST / HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 10\r\n\r\n")
	for range 10 {
		time.Sleep(80 * time.Millisecond)
		if _, err := io.WriteString(conn, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if status, body, _ := answer(t, from); status != 200 || body != "a POST / xxxxxxxxxx" {
		t.Errorf("%d %s", status, body)
	}
}

func TestAnUploadThatStallsIsGivenUp(t *testing.T) {
	r := start(t)
	r.publish(with(service(newPod(t, "a")), alsoPlain(200*time.Millisecond)))
	_, from := r.raw("POST / HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 10\r\n\r\nhalf")
	if status, body, _ := answer(t, from); status != 504 || !strings.HasPrefix(body, "IdleTimeout: ") {
		t.Errorf("%d %s", status, body)
	}
	if _, err := from.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
	r.quiet()
}

func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	r := start(t)
	r.publish(service(newPod(t, "a")))
	began := time.Now()
	_, from := r.raw("POST / HTTP/1.1\r\nHost: nobody.example.com\r\nContent-Length: 10\r\n\r\nhalf")
	if status, body, _ := answer(t, from); status != 404 || !strings.HasPrefix(body, "NoRoute: ") {
		t.Errorf("%d %s", status, body)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("answered after %v", took)
	}
}

func TestAClientThatDoesNotReadIsGivenUp(t *testing.T) {
	p := newPod(t, "a").serving(func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	r := start(t)
	r.publish(with(service(p), alsoPlain(300*time.Millisecond)))
	_, _ = r.raw("GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
	eventually(t, "the request is on its way", func() bool {
		_, routes := r.get("/routes")
		return strings.Contains(routes, `"sessions": 1`)
	})
	r.quiet()
}

func TestAnAnswerToAnUpgradeThatStallsIsGivenUp(t *testing.T) {
	r := start(t)
	r.publish(with(at(script(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")), alsoPlain(200*time.Millisecond)))
	_, from := r.raw("GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if status, body, err := answer(t, from); status != 200 || body != "half" || err == nil {
		t.Errorf("%d %s %v", status, body, err)
	}
	r.quiet()
}

func TestAfterASilentEndpointTheConnectionGoesOn(t *testing.T) {
	p := newPod(t, "a")
	plain := p.server.Config.Handler
	p.serving(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/silent" {
			<-req.Context().Done()
			return
		}
		plain.ServeHTTP(w, req)
	})
	r := start(t)
	r.publish(with(service(p), alsoPlain(200*time.Millisecond)))
	conn, from := r.raw("GET /silent HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
	if status, _, _ := answer(t, from); status != 504 {
		t.Errorf("answered %d", status)
	}
	time.Sleep(1200 * time.Millisecond) // longer than any deadline of the request before
	_, _ = io.WriteString(conn, "GET /next HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
	if status, body, _ := answer(t, from); status != 200 || body != "a GET /next " {
		t.Errorf("%d %s", status, body)
	}
}
