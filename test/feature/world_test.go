package feature

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/test/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// world is a running Fairlead, the folder of manifests that it watches, and the pods behind it.
type world struct {
	t      *testing.T
	folder string
	server *proxy.Server
	told   *problems
	pods   map[string]*chat.Server
}

// newWorld starts Fairlead over manifests that hold our IngressClass and what is given.
func newWorld(t *testing.T, manifests ...string) *world {
	t.Helper()
	w := &world{t: t, folder: t.TempDir(), told: new(problems), pods: map[string]*chat.Server{}}
	w.write("class", `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
`)
	w.write("given", manifests...)
	files, err := snapshot.NewFiles(w.folder)
	if err != nil {
		t.Fatal(err)
	}
	w.server, err = proxy.New(proxy.Options{
		HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", ServerName: "replica",
		Registry: observe.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.server.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		err := controllers.Standalone(ctx, files, w.server, controllers.Options{Log: slog.New(w.told)})
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	w.until("the first table is published", func() bool { return w.server.Ready() == nil })
	return w
}

// problems keeps the warnings that owners of objects are told.
type problems struct {
	slog.Handler
	mu   sync.Mutex
	list []string
}

func (p *problems) Enabled(context.Context, slog.Level) bool { return true }

func (p *problems) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return nil
	}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, line)
	return nil
}

func (p *problems) has(parts ...string) bool {
	for _, line := range p.all() {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return true
		}
	}
	return false
}

func (p *problems) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

// toldThat waits until the owner is told: all parts are in one warning.
func (w *world) toldThat(parts ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the owner is told %q", parts), func() bool { return w.told.has(parts...) })
}

// write puts manifests into a file of the folder, as one change.
func (w *world) write(name string, manifests ...string) {
	w.t.Helper()
	next := filepath.Join(w.folder, "."+name+".new")
	if err := os.WriteFile(next, []byte(strings.Join(manifests, "\n---\n")), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(w.folder, name+".yaml")); err != nil {
		w.t.Fatal(err)
	}
}

// apply writes manifests and waits until the table says so.
func (w *world) apply(name string, manifests ...string) {
	w.t.Helper()
	before := w.server.Table()
	w.write(name, manifests...)
	w.until("the change is published", func() bool { return w.server.Table() != before })
}

func (w *world) until(what string, met func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not in %v: %s\ntable:\n%s\ntold: %q", patience, what, w.server.Table(), w.told.all())
		}
	}
}

// service returns the manifests of a Service whose pods are started with it; "!name" terminates,
// "-name" is not ready. Its one port is named ws and has the number 80.
func (w *world) service(name string, pods ...string) string {
	w.t.Helper()
	manifests := fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {ports: [{name: ws, port: 80}]}
`, name)
	for _, marked := range pods {
		pod := strings.TrimLeft(marked, "!-")
		at := w.pod(pod).Address()
		conditions := "{}" // nothing said: ready
		switch marked[0] {
		case '!':
			conditions = "{ready: false, serving: true, terminating: true}"
		case '-':
			conditions = "{ready: false}"
		}
		manifests += fmt.Sprintf(`
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-%s, labels: {kubernetes.io/service-name: %s}}
addressType: IPv4
ports: [{name: ws, port: %d}]
endpoints: [{addresses: [%s], conditions: %s}]
`, name, pod, name, at.Port, at.IP, conditions)
	}
	return manifests
}

// pod returns the running pod of that name.
func (w *world) pod(name string) *chat.Server {
	w.t.Helper()
	if p := w.pods[name]; p != nil {
		return p
	}
	p, err := chat.Listen("127.0.0.1:0", chat.Options{Pod: name})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	w.pods[name] = p
	return p
}

// ingress returns an Ingress for chat.example.com and the path /, to the Service chat.
func ingress(annotations ...string) string {
	lines := ""
	for _, a := range annotations {
		lines += "\n    " + a
	}
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  annotations: {%s
  }
spec:
  ingressClassName: fairlead
  rules:
  - host: chat.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: ws}}}}]}
`, strings.ReplaceAll(lines, "\n    ", ",\n    ")[min(len(lines), 1):])
}

// socket is a client's open WebSocket to an echo.
type socket struct {
	*websocket.Conn
	t      *testing.T
	answer *http.Response
}

// dial opens a WebSocket on the plain port.
func (w *world) dial(url string, header ...string) (*websocket.Conn, *http.Response, error) {
	host, path, _ := strings.Cut(url, "/")
	h := http.Header{"Host": {host}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	plain, _, _ := w.server.Addrs()
	d := websocket.Dialer{HandshakeTimeout: patience}
	return d.Dial("ws://"+plain.String()+"/"+path, h)
}

// open dials and must succeed. The pod echoes what is said.
func (w *world) open(url string, header ...string) *socket {
	w.t.Helper()
	conn, answer, err := w.dial(url, header...)
	if err != nil {
		w.t.Fatalf("open %s: %v\n%s", url, err, w.server.Table())
	}
	return w.adopt(conn, answer)
}

// openTLS dials wss for the host and accepts any certificate, which it returns.
func (w *world) openTLS(host string) (*socket, string) {
	w.t.Helper()
	_, secure, _ := w.server.Addrs()
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host}}
	conn, answer, err := d.Dial("wss://"+secure.String()+"/socket?mode=echo", http.Header{"Host": {host}})
	if err != nil {
		w.t.Fatal(err)
	}
	shown := conn.NetConn().(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	return w.adopt(conn, answer), shown
}

func (w *world) adopt(conn *websocket.Conn, answer *http.Response) *socket {
	w.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{conn, w.t, answer}
	s.hear() // the greeting
	return s
}

// pod is the name of the pod that has the socket.
func (s *socket) pod() string { return s.answer.Header.Get(chat.HeaderPod) }

func (s *socket) hear() string {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, message, err := s.ReadMessage()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(message)
}

// echoes says something and must hear it back.
func (s *socket) echoes() {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte("ahoy")); err != nil {
		s.t.Fatal(err)
	}
	if got := s.hear(); got != "ahoy" {
		s.t.Fatalf("said ahoy, heard %q", got)
	}
}

// code waits for the end and returns the code of the Close frame, 1006 without one.
func (s *socket) code() int {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := s.ReadMessage()
		if c := (*websocket.CloseError)(nil); errors.As(err, &c) {
			return c.Code
		}
		if err != nil {
			s.t.Logf("ended with %v", err)
			return websocket.CloseAbnormalClosure
		}
	}
}

// fetch returns status and the pod's request line of a plain request.
func (w *world) fetch(url string) (*http.Response, string) {
	w.t.Helper()
	host, path, _ := strings.Cut(url, "/")
	plain, _, _ := w.server.Addrs()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+plain.String()+"/"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Host = host
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer, string(body)
}
