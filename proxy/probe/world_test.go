package probe

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/handshake"
)

var update = flag.Bool("update", false, "write what the stories in testdata tell anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what stands for the internet in a story: names, and what listens at their addresses.
type world struct {
	names map[string][]string // addresses by name; a name that is missing does not exist
	at    map[string]string   // what listens there, by address:port; "": it swallows packets
}

// newWorld has one name with one address, where address listens on a port.
func newWorld(port, address string) *world {
	return &world{names: map[string][]string{"chat.example.com": {"192.0.2.10"}}, at: map[string]string{"192.0.2.10:" + port: address}}
}

func (w *world) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, a := range w.names[host] {
		if a == "" {
			return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
		}
		list = append(list, netip.MustParseAddr(a))
	}
	return list, nil
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := w.at[address]
	switch {
	case !ok:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case to == "":
		<-ctx.Done()
		return nil, ctx.Err()
	case to == "unreachable":
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// probe runs a probe in the world.
func (w *world) probe(t *testing.T, o Options) *Report {
	t.Helper()
	if o.URL == "" {
		o.URL = "ws://chat.example.com/ws"
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	o.Resolve, o.Dial = w.resolve, w.dial
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw serves connections with bytes: f gets each with its request, which is already read.
func raw(t *testing.T, f func(c net.Conn, r *http.Request)) string {
	t.Helper()
	return listenWith(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		f(c, r)
	})
}

// listenWith serves connections with f, which must return once the client has gone.
func listenWith(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// served serves with net/http.
func served(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// says answers every request with the same head and content.
func says(t *testing.T, status int, header map[string]string, body string) string {
	return served(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// echo is an echo server that is strict about nothing.
func echo(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, Subprotocols: []string{"v2.chat"}}
	talkWith(upgrader, w, r, nil)
}

// talkWith upgrades, lets first act, and echoes.
func talkWith(upgrader websocket.Upgrader, w http.ResponseWriter, r *http.Request, first func(*websocket.Conn) bool) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // the story is over
	if first != nil && !first(conn) {
		return
	}
	for {
		kind, p, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, p) != nil {
			return
		}
	}
}

// switching answers 101, with lines instead of or behind the usual ones; an empty value leaves one out.
func switching(c net.Conn, r *http.Request, change map[string]string) {
	header := map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade",
		"Sec-WebSocket-Accept": handshake.AcceptKey(r.Header.Get("Sec-Websocket-Key")),
	}
	head := "HTTP/1.1 101 Switching Protocols\r\n"
	for _, name := range []string{"Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"} {
		value := header[name]
		if v, ok := change[name]; ok {
			value = v
		}
		if value != "" {
			head += name + ": " + value + "\r\n"
		}
	}
	_, _ = io.WriteString(c, head+"\r\n")
}

// hangUp says no more and hears the client out: an end with something unread would be a reset.
func hangUp(c net.Conn) {
	if half, can := c.(interface{ CloseWrite() error }); can {
		_ = half.CloseWrite()
	}
	drain(c)
}

// drain reads until the client goes.
func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

var serial int64

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificate fills in a template and has it signed by a, or by itself when a is nil.
func (a *authority) certificate(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	serial++
	template.SerialNumber = big.NewInt(serial)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	template.NotBefore = template.NotAfter.AddDate(-200, 0, 0)
	key := newKey(t)
	parent, signer := template, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) issues(t *testing.T, name string) *authority {
	t.Helper()
	cert, key := a.certificate(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

// chain makes what a server shows: a certificate and those above it.
func chain(cert *x509.Certificate, key *ecdsa.PrivateKey, above ...*x509.Certificate) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for _, a := range above {
		c.Certificate = append(c.Certificate, a.Raw)
	}
	return c
}

// secure serves over TLS.
func secure(t *testing.T, config *tls.Config, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = config
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// What changes from run to run, and what stands for it.
var changing = []struct {
	of *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`(?m)^(  [✓✗] \S+ +)[0-9.]+(µs|ms|s)`), "${1}TIME"},
	{regexp.MustCompile(`(✓|✗) (\S+) +TIME`), "$1 $2 TIME"},
	{regexp.MustCompile(`Sec-WebSocket-Key: \S+`), "Sec-WebSocket-Key: KEY"},
	{regexp.MustCompile(`"[A-Za-z0-9+/]{22}=="`), `"KEY"`},
	{regexp.MustCompile(`"[A-Za-z0-9+/]{27}="`), `"ACCEPT"`},
	{regexp.MustCompile(`Sec-Websocket-Accept: [A-Za-z0-9+/]{27}=`), "Sec-Websocket-Accept: ACCEPT"},
	{regexp.MustCompile(`Date: .*`), "Date: NOW"},
	{regexp.MustCompile(`TLS_[A-Z0-9_]+`), "CIPHER"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\.com:\d{5}\b`), ".com:PORT"}, // nginx tells the port on which it listens
	{regexp.MustCompile(`nginx/[0-9.]+`), "nginx/VERSION"},
	{regexp.MustCompile(`/[0-9a-f]{12}\b`), "/NOBODY"},
	{regexp.MustCompile(`(ended|after|closed)(\s+)[0-9.]+(µs|ms|s)\b`), "${1}${2}TIME"},
	{regexp.MustCompile(`[0-9.]+(µs|ms|s) behind`), "TIME behind"},
	{regexp.MustCompile(`[Ww]ith \d+ Pings? in`), "with Pings in"},
	{regexp.MustCompile(`\d+ Pings? sent, \d+ Pongs? came`), "PINGS sent, PONGS came"},
	{regexp.MustCompile(`every [0-9.]+ms, for up to [0-9.]+s`), "every TIME, for up to TIME"},
}

// golden compares a report with what the story told when it was last written.
func golden(t *testing.T, name string, r *Report) {
	t.Helper()
	steady := func(s string) string {
		for _, c := range changing {
			s = c.of.ReplaceAllString(s, c.to)
		}
		return s
	}
	shown := *r
	v := &shown.Verdict // its lines are broken where they are long, which what changes has a part in
	v.Summary, v.Why, v.Notes = steady(v.Summary), steady(v.Why), slices.Clone(v.Notes)
	for i := range v.Notes {
		v.Notes[i] = steady(v.Notes[i])
	}
	var b strings.Builder
	if err := shown.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	got := steady(b.String())
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as told (go test ./proxy/probe -update tells anew)\n--- got\n%s--- want\n%s", file, got, want)
	}
}

// lacks reports what of the parts a verdict lacks.
func (v *Verdict) lacks(parts ...string) string {
	all := fmt.Sprint(*v)
	for _, p := range parts {
		if !strings.Contains(all, p) {
			return p
		}
	}
	return ""
}
