package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/proxy/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// eventually waits until the story comes true.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !met() {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// replica is a running server.
type replica struct {
	*proxy.Server
	t      *testing.T
	stop   context.CancelFunc
	ended  chan error
	config model.Config
}

// start runs a replica on loopback until the test ends.
func start(t *testing.T, change ...func(*proxy.Options)) *replica {
	t.Helper()
	o := proxy.Options{
		HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0",
		ServerName: "replica-1", Registry: observe.NewRegistry(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	s, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, s)
}

// run runs a server until the test ends.
func run(t *testing.T, s *proxy.Server) *replica {
	t.Helper()
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{Server: s, t: t, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// publish makes the configuration the current one.
func (r *replica) publish(cfg model.Config) *table.Change {
	r.t.Helper()
	begun := time.Now()
	compiled, err := table.Compile(cfg, r.Table())
	if err != nil {
		r.t.Fatal(err)
	}
	r.config = cfg
	return r.Publish(compiled, begun)
}

func (r *replica) http() string {
	plain, _, _ := r.Addrs()
	return plain.String()
}

// get asks the admin address.
func (r *replica) get(path string) (int, string) {
	r.t.Helper()
	_, _, at := r.Addrs()
	return fetch(r.t, "http://"+at.String()+path, "")
}

// fetch returns status and body of a plain request for the host.
func fetch(t *testing.T, url, host string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// dial opens a WebSocket for a host.
func (r *replica) dial(host, path string, header ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Host": {host}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host}}
	return d.Dial("ws://"+r.http()+path, h)
}

// socket is a client's open WebSocket.
type socket struct {
	*websocket.Conn
	t      *testing.T
	answer *http.Response
}

// open dials and must succeed.
func (r *replica) open(host, path string, header ...string) *socket {
	r.t.Helper()
	conn, answer, err := r.dial(host, path, header...)
	if err != nil {
		r.t.Fatalf("open %s%s: %v", host, path, err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return &socket{conn, r.t, answer}
}

// say sends a message and returns what the endpoint makes of it: its name and the message.
func (s *socket) say(message string) string {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		s.t.Fatal(err)
	}
	return s.hear()
}

func (s *socket) hear() string {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, p, err := s.ReadMessage()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(p)
}

// code waits for the end and returns the close code that the client sees, 1006 when there was none.
func (s *socket) code() int {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := s.ReadMessage()
		if err == nil {
			continue
		}
		if c := (*websocket.CloseError)(nil); errors.As(err, &c) {
			return c.Code
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.t.Fatal("the socket is still open")
		}
		return websocket.CloseAbnormalClosure
	}
}

// pod is an endpoint that answers "name: message" on WebSockets and "name METHOD uri" to plain requests.
type pod struct {
	name   string
	server *httptest.Server
	last   chan *http.Request
}

func newPod(t *testing.T, name string) *pod {
	t.Helper()
	p := &pod{name: name, last: make(chan *http.Request, 100)}
	p.server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

func (p *pod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case p.last <- r.Clone(context.WithoutCancel(r.Context())):
	default:
	}
	if !websocket.IsWebSocketUpgrade(r) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s %s", p.name, r.Method, r.RequestURI, body)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, Subprotocols: []string{"chat"}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, []byte(p.name+": "+string(message))); err != nil {
			return
		}
	}
}

func (p *pod) address() netip.AddrPort {
	return netip.MustParseAddrPort(p.server.Listener.Addr().String())
}

// service is a configuration with one route "chat" for chat.example.com to the pods.
func service(pods ...*pod) model.Config {
	b := model.Backend{Key: "prod/chat:80"}
	for _, p := range pods {
		b.Endpoints = append(b.Endpoints, model.Endpoint{Address: p.address(), Name: p.name})
	}
	return model.Config{
		Backends: []model.Backend{b},
		Routes: []model.Route{{
			ID: "wsr/prod/chat/0", Matches: []model.Match{{Host: "chat.example.com", Path: model.PathMatch{Value: "/"}}},
			Protocols: model.WebSocket, Backends: []model.BackendRef{{Backend: b.Key, Weight: 1}},
		}},
	}
}

// with changes the route of a configuration.
func with(cfg model.Config, change func(r *model.Route)) model.Config {
	cfg.Routes = append([]model.Route(nil), cfg.Routes...)
	change(&cfg.Routes[0])
	return cfg
}
