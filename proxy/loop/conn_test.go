package loop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
)

// What was read of a connection comes first, in pieces of any size, and then what it gives itself.
func TestUnreadComesFirst(t *testing.T) {
	far, near := net.Pipe()
	c := loop.NewConn(near, []byte("what was "))
	go func() {
		_, _ = far.Write([]byte("said before"))
		_ = far.Close()
	}()
	p := make([]byte, 5)
	if n, err := c.Read(p); n != 5 || err != nil || string(c.Unread()) != "was " {
		t.Errorf("%q, %v; left %q", p[:n], err, c.Unread())
	}
	rest, err := io.ReadAll(c)
	if all := string(p) + string(rest); all != "what was said before" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	if c.Unread() != nil {
		t.Errorf("%q is still unread", c.Unread())
	}
	_ = c.Close()
}

// script is a driver that gives what a test wants, and keeps what is written.
type script struct {
	in      []byte
	ready   int // how many bytes of in have come
	written bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	n := copy(p, s.in[:s.ready])
	if n == 0 {
		return 0, loop.ErrWouldBlock
	}
	s.in, s.ready = s.in[n:], s.ready-n
	return n, nil
}

func (s *script) Write(p []byte) (int, error) { return s.written.Write(p) }

// A connection that a loop has taken over is read and written by the loop's driver alone; what was
// unread still comes first, and to close it is nobody's business here.
func TestTakeOver(t *testing.T) {
	far, near := net.Pipe()
	defer func() { _, _ = far.Close(), near.Close() }()
	c := loop.NewConn(near, []byte("first "))
	if c.NetConn() != near {
		t.Error("it has another connection")
	}
	d := &script{in: []byte("then"), ready: 4}
	c.TakeOver(d)
	p := make([]byte, 100)
	for _, want := range []string{"first ", "then"} {
		if n, err := c.Read(p); err != nil || string(p[:n]) != want {
			t.Errorf("%q, %v; want %q", p[:n], err, want)
		}
	}
	if n, err := c.Read(p); n != 0 || err != loop.ErrWouldBlock { //nolint:errorlint // it is returned bare
		t.Errorf("%d, %v; want that there is nothing", n, err)
	}
	if n, err := c.Write([]byte("answer")); n != 6 || err != nil || d.written.String() != "answer" {
		t.Errorf("%d, %v, %q", n, err, d.written.String())
	}
	err := errors.Join(c.SetDeadline(time.Now()), c.SetReadDeadline(time.Now()), c.SetWriteDeadline(time.Now()), c.CloseWrite(), c.Close())
	if err != nil {
		t.Error(err)
	}
	if c.LocalAddr() == nil || c.RemoteAddr() == nil {
		t.Error("no address")
	}
	go func() { _, _ = near.Write([]byte("x")) }()
	if n, err := far.Read(p); n != 1 || err != nil {
		t.Errorf("the runtime's connection was touched: %v", err)
	}
}

// CloseWrite goes to a connection that has one.
func TestCloseWrite(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = far.Close(), near.Close() }()
	c := loop.NewConn(near, nil)
	if err := c.CloseWrite(); err != nil {
		t.Error(err)
	}
	if n, err := far.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // bare
		t.Errorf("%d, %v; want the end", n, err)
	}
	if _, err := far.Write([]byte("still open")); err != nil {
		t.Error(err)
	}
	p := make([]byte, 10)
	if n, err := c.Read(p); string(p[:n]) != "still open" || err != nil {
		t.Errorf("%q, %v", p[:n], err)
	}
	_, pipe := net.Pipe()
	if err := loop.NewConn(pipe, nil).CloseWrite(); err != nil {
		t.Errorf("a connection without halves: %v", err)
	}
	_ = pipe.Close()
}

// A TLS connection goes over to a loop. Whatever the places at which its records are torn, and with
// nothing to read in between, it reads what was sent, and can still be written to.
func TestTLSRecordsComeInPieces(t *testing.T) {
	const text = "a record of some length"
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			records := len(sealed(t, newTLS(t, version), text))
			for cut := range records + 1 {
				x := newTLS(t, version)
				d := &script{in: sealed(t, x, text)}
				x.below.TakeOver(d)
				p := make([]byte, 100)
				var got []byte
				for _, come := range []int{0, cut, 0, len(d.in) - cut} {
					d.ready += come
					for {
						n, err := x.server.Read(p)
						got = append(got, p[:n]...)
						if err == loop.ErrWouldBlock { //nolint:errorlint // crypto/tls returns it bare
							break
						}
						if err != nil {
							t.Fatalf("cut at %d: %v", cut, err)
						}
					}
				}
				if string(got) != text {
					t.Fatalf("cut at %d: %q", cut, got)
				}
				if _, err := x.server.Write([]byte("back")); err != nil || d.written.Len() == 0 {
					t.Fatalf("cut at %d: the answer: %v", cut, err)
				}
			}
			// And byte by byte.
			x := newTLS(t, version)
			d := &script{in: sealed(t, x, text)}
			x.below.TakeOver(d)
			var got []byte
			for range records {
				d.ready++
				p := make([]byte, 100)
				n, err := x.server.Read(p)
				if got = append(got, p[:n]...); n == 0 && err != loop.ErrWouldBlock { //nolint:errorlint // bare
					t.Fatal(err)
				}
			}
			if string(got) != text {
				t.Errorf("byte by byte: %q", got)
			}
		})
	}
}

// secured is a TLS connection whose server's side can change hands.
type secured struct {
	client *tls.Conn
	server *tls.Conn
	below  *loop.Conn
	raw    net.Conn // the end that the client's records come out of
}

// newTLS makes one over a pipe.
func newTLS(t *testing.T, version uint16) *secured {
	t.Helper()
	a, b := net.Pipe()
	x := &secured{raw: b, below: loop.NewConn(b, nil)}
	x.client = tls.Client(a, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	x.server = tls.Server(x.below, &tls.Config{Certificates: []tls.Certificate{certificate()}, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- x.client.Handshake() }()
	if err := errors.Join(x.server.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	if v := x.client.ConnectionState().Version; v != version {
		t.Fatal(fmt.Sprint(v))
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return x
}

// sealed returns the records that the client sends for a text, in two of them.
func sealed(t *testing.T, x *secured, text string) []byte {
	t.Helper()
	var out []byte
	for _, part := range []string{text[:5], text[5:]} {
		go func() { _, _ = x.client.Write([]byte(part)) }()
		p := make([]byte, 1000)
		n, err := x.raw.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p[:n]...)
	}
	return out
}

var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})
