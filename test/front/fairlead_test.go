package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take that happens at once.
const patience = 10 * time.Second

// local are the addresses of everything here.
var local = netip.MustParsePrefix("127.0.0.0/8")

// loopback is where everybody but clients is.
var loopback = netip.MustParsePrefix("127.0.0.1/32")

// replica is a running Fairlead with one endpoint, which tells clients who they are and echoes.
type replica struct {
	server             *proxy.Server
	http, https, admin string
	stop               func() // begins its shutdown
	log                *lines
	folder             string
}

// startReplica starts a Fairlead whose Ingress for every host has these annotations.
func startReplica(t *testing.T, annotations string, change ...func(*proxy.Options)) *replica {
	t.Helper()
	r := &replica{log: &lines{}, folder: t.TempDir()}
	r.write(t, annotations, startEndpoint(t))
	files, err := snapshot.NewFiles(r.folder)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	options := proxy.Options{HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0",
		Registry: observe.NewRegistry(), Log: log}
	for _, c := range change {
		c(&options)
	}
	if r.server, err = proxy.New(options); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	plain, secure, admin := r.server.Addrs()
	r.http, r.https, r.admin = plain.String(), secure.String(), admin.String()
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.server.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		if err := controllers.Standalone(ctx, files, r.server, controllers.Options{Log: log}); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		if t.Failed() {
			t.Logf("fairlead said:\n%s", r.log)
		}
	})
	until(t, "the first table is published", func() bool { return r.server.Ready() == nil })
	return r
}

const manifests = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {ports: [{name: ws, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: chat-1, labels: {kubernetes.io/service-name: chat}}
addressType: IPv4
ports: [{name: ws, port: %d}]
endpoints: [{addresses: [%s]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  annotations: {%s}
spec:
  ingressClassName: fairlead
  defaultBackend: {service: {name: chat, port: {name: ws}}}
`

func (r *replica) write(t *testing.T, annotations string, at netip.AddrPort) {
	t.Helper()
	text := fmt.Sprintf(manifests, at.Port(), at.Addr(), annotations)
	if err := os.WriteFile(filepath.Join(r.folder, "all.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startEndpoint starts a server that says first who comes, as X-Forwarded-For has it, and then echoes.
func startEndpoint(t *testing.T) netip.AddrPort {
	t.Helper()
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // it is over
		message, kind := []byte(strings.Join(r.Header["X-Forwarded-For"], ", ")), websocket.TextMessage
		for {
			if conn.WriteMessage(kind, message) != nil {
				return
			}
			if kind, message, err = conn.ReadMessage(); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String())
}

// socket is an open WebSocket that reads all the time, as clients do: Pings are answered by reading.
type socket struct {
	conn *websocket.Conn
	told string // who the endpoint says we are
	back chan string
	over chan struct{} // closed at its end
	err  error         // why it ended, once it is over
}

// dial opens a socket from one of our addresses; header lines are pairs of name and value.
func dial(t *testing.T, from, url string, header ...string) (*socket, error) {
	t.Helper()
	dialer := websocket.Dialer{
		NetDialContext:   (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
		HandshakeTimeout: patience,
		TLSClientConfig:  &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is the replica's own
	}
	lines := http.Header{}
	for i := 0; i < len(header); i += 2 {
		lines.Add(header[i], header[i+1])
	}
	conn, answer, err := dialer.DialContext(t.Context(), url, lines)
	if err != nil {
		if answer != nil {
			_ = answer.Body.Close()
			return nil, fmt.Errorf("%w: %s", err, answer.Status)
		}
		return nil, err
	}
	s := &socket{conn: conn, back: make(chan string, 16), over: make(chan struct{})}
	_, first, err := conn.ReadMessage()
	s.told = string(first)
	go func() {
		defer close(s.over)
		for s.err = err; s.err == nil; {
			var message []byte
			if _, message, s.err = conn.ReadMessage(); s.err == nil {
				s.back <- string(message)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-s.over
	})
	return s, nil
}

// open opens a socket that must open.
func open(t *testing.T, from, url string, header ...string) *socket {
	t.Helper()
	s, err := dial(t, from, url, header...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// echoes reports whether the socket lives.
func (s *socket) echoes(text string) bool {
	if s.conn.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
		return false
	}
	select {
	case got := <-s.back:
		return got == text
	case <-s.over:
	case <-time.After(patience):
	}
	return false
}

func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// lines is a buffer for many.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// line returns the first line that has all the parts; "": none has.
func (l *lines) line(parts ...string) string {
	for line := range strings.Lines(l.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return line
		}
	}
	return ""
}
