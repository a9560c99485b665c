package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

const (
	// knock asks for a WebSocket, and enter is the answer that lets it in.
	knock = "GET /room HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	enter = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

	// hello and bye are a client's frames, world and byeBye those of an endpoint.
	hello  = "\x81\x85\x00\x00\x00\x00hello"
	bye    = "\x88\x82\x00\x00\x00\x00\x03\xe8"
	world  = "\x81\x05world"
	byeBye = "\x88\x02\x03\xe8"
)

// gate is an endpoint on a raw socket: the story itself says what it answers.
type gate struct {
	t *testing.T
	l *net.TCPListener
}

func newGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &gate{t, l.(*net.TCPListener)}
}

func (g *gate) address() netip.AddrPort { return netip.MustParseAddrPort(g.l.Addr().String()) }

// next waits for the next connection of the replica.
func (g *gate) next() *wire {
	g.t.Helper()
	_ = g.l.SetDeadline(time.Now().Add(patience))
	conn, err := g.l.AcceptTCP()
	if err != nil {
		g.t.Fatal(err)
	}
	return newWire(g.t, conn)
}

// between is service with gates for endpoints.
func between(gates ...*gate) model.Config {
	cfg := service()
	for _, g := range gates {
		cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: g.address()})
	}
	return cfg
}

// wire is a raw connection: of a client to the replica, or of the replica to a gate.
type wire struct {
	*net.TCPConn
	t    *testing.T
	from *bufio.Reader
}

func newWire(t *testing.T, conn net.Conn) *wire {
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

// connect is a client that has said nothing yet.
func (r *replica) connect() *wire {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.http())
	if err != nil {
		r.t.Fatal(err)
	}
	return newWire(r.t, conn)
}

// says sends bytes in one segment.
func (w *wire) says(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// hears waits for exactly these bytes.
func (w *wire) hears(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(w.from, got); string(got) != want {
		w.t.Fatalf("heard %q (%v), want %q", got[:n], err, want)
	}
}

// head reads a head up to its blank line.
func (w *wire) head() string {
	w.t.Helper()
	var head strings.Builder
	for {
		line, err := w.from.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			w.t.Fatalf("no whole head: %v after %q", err, head.String())
		}
		if line == "\r\n" {
			return head.String()
		}
	}
}

// answered reads an answer, body included, and checks how it begins.
func (w *wire) answered(status int, begin string) *http.Response {
	w.t.Helper()
	got, err := http.ReadResponse(w.from, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != status || !strings.HasPrefix(string(body), begin) {
		w.t.Errorf("answered %d %s (%v), want %d %s", got.StatusCode, body, err, status, begin)
	}
	return got
}

// gone waits until the other end has closed or reset the connection and has said nothing more.
func (w *wire) gone() {
	w.t.Helper()
	if rest, err := io.ReadAll(w.from); len(rest) > 0 || os.IsTimeout(err) {
		w.t.Fatalf("heard %q (%v), want an end", rest, err)
	}
}

// reset closes the connection by a reset.
func (w *wire) reset() {
	_ = w.SetLinger(0)
	_ = w.Close()
}

var handshakes = regexp.MustCompile(`(?m)^fairlead_handshakes_total\{reason="(\w+)",route="[^"]*"\} (\d+)$`)

// comesTo waits until exactly these outcomes of handshakes were told and nothing is counted any more.
func (r *replica) comesTo(want ...string) {
	r.t.Helper()
	slices.Sort(want)
	var got []string
	eventually(r.t, fmt.Sprintf("%v is told", want), func() bool {
		_, metrics := r.get("/metrics")
		got = nil
		for _, m := range handshakes.FindAllStringSubmatch(metrics, -1) {
			n, _ := strconv.Atoi(m[2])
			got = append(got, slices.Repeat([]string{m[1]}, n)...)
		}
		slices.Sort(got)
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		r.t.Errorf("told %v, want %v", got, want)
	}
	r.quiet()
	eventually(r.t, "no handshake is counted", func() bool { return r.Handshakes() == 0 })
}

// begin is start for a story that must leave no socket open.
func begin(t *testing.T, change ...func(*proxy.Options)) *replica {
	t.Helper()
	before := sockets()
	t.Cleanup(func() { eventually(t, "every socket is closed", func() bool { return sockets() <= before }) })
	return start(t, change...)
}

// sockets counts the sockets of the process, where the system tells them.
func sockets() (n int) {
	const folder = "/proc/self/fd/"
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if to, _ := os.Readlink(folder + e.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
