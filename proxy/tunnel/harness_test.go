package tunnel_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// engine moves the tunnels of all tests.
var engine *tunnel.Engine

func TestMain(m *testing.M) {
	var err error
	if engine, err = tunnel.NewEngine(); err != nil {
		panic(err)
	}
	// A leak is looked for when the loops have stopped.
	goleak.VerifyTestMain(stopping{m})
}

// stopping stops the engine behind the last test.
type stopping struct{ *testing.M }

func (s stopping) Run() int {
	defer engine.Stop()
	return s.M.Run()
}

// patience is how long a test on real sockets waits for what must happen.
const patience = 15 * time.Second

// story is a tunnel with somebody at either end.
type story struct {
	*testing.T
	tunnel           tunnel.Tunnel
	client, endpoint net.Conn // the far ends
	results          chan tunnel.Result
	pongs            chan pong
	near             [2]net.Conn
	patience         time.Duration
	timing
}

// TunnelEnded implements tunnel.Owner.
func (s *story) TunnelEnded(r tunnel.Result) { s.results <- r }

// TunnelPonged implements tunnel.Owner.
func (s *story) TunnelPonged(by model.Side, after time.Duration) { s.pongs <- pong{by, after} }

// pong is an answer to a Ping of the proxy's.
type pong struct {
	by    model.Side
	after time.Duration
}

// network makes a connection: the far end for the test and the near one for the tunnel.
type network func(t testing.TB) (far, near net.Conn)

// start builds a tunnel between two connections of a network. Whatever a test forgets ends with it.
func start(t *testing.T, n network, spec tunnel.Spec) *story {
	t.Helper()
	s := &story{T: t, results: make(chan tunnel.Result, 2), pongs: make(chan pong, 100), patience: patience}
	s.client, spec.Client = n(t)
	s.endpoint, spec.Endpoint = n(t)
	s.near = [2]net.Conn{spec.Client, spec.Endpoint}
	spec.Owner = s
	engine.Start(&s.tunnel, spec)
	return s
}

// end waits for the result, and makes sure that there is just one and that the near ends are closed.
func (s *story) end() tunnel.Result {
	s.Helper()
	r, ok := awaited(s, s.results)
	if !ok {
		s.Fatal("the tunnel does not end")
	}
	for _, c := range s.near {
		if secured, ok := c.(*tls.Conn); ok {
			c = secured.NetConn() // TLS may know that it was shut down, and no more
		}
		if err := c.SetDeadline(time.Now()); err == nil {
			if _, err := c.Write([]byte("x")); !isClosed(err) {
				s.Errorf("a connection is still open when the owner is told: %v", err)
			}
		}
	}
	s.tunnel.Close(tunnel.Cause{Reason: "TooLate"}, 0)
	s.tunnel.Kill(tunnel.Cause{Reason: "TooLate"})
	if len(s.results) > 0 {
		s.Error("the owner was told twice")
	}
	return r
}

func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// alive fails the test if the tunnel has ended.
func (s *story) alive() {
	s.Helper()
	select {
	case r := <-s.results:
		s.Fatalf("the tunnel has ended: %+v", r)
	default:
	}
}

func (s *story) send(c net.Conn, p []byte) {
	s.Helper()
	if _, err := c.Write(p); err != nil {
		s.Fatalf("write: %v", err)
	}
}

// sendSoon sends without waiting, for bytes that no buffer holds until somebody reads.
func (s *story) sendSoon(c net.Conn, p []byte) {
	s.alongside(func() {
		if _, err := c.Write(p); err != nil {
			s.Errorf("write: %v", err)
		}
	})
}

// receive expects exactly these bytes next.
func (s *story) receive(c net.Conn, want []byte) {
	s.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		s.Fatalf("read: %v", err)
	}
	if !bytes.Equal(got, want) {
		s.Fatalf("got %q, want %q", got[:min(len(got), 80)], want[:min(len(want), 80)])
	}
}

// receiveClose expects a Close frame next, masked or not.
func (s *story) receiveClose(c net.Conn, masked bool, code int, text string) {
	s.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		s.Fatalf("waiting for Close %d: %v", code, err)
	}
	if head[0] != 0x88 || masked != (head[1]&0x80 != 0) {
		s.Fatalf("head % x, want a Close frame, masked: %v", head, masked)
	}
	key := make([]byte, 4)
	if masked {
		s.readFull(c, key)
	}
	payload := make([]byte, head[1]&0x7f)
	s.readFull(c, payload)
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	if code == frame.NoStatus {
		if len(payload) != 0 {
			s.Fatalf("payload %q, want none", payload)
		}
		return
	}
	if len(payload) < 2 || int(binary.BigEndian.Uint16(payload)) != code || string(payload[2:]) != text {
		s.Fatalf("Close says % x %q, want %d %q", payload[:min(2, len(payload))], payload[min(2, len(payload)):], code, text)
	}
}

func (s *story) readFull(c net.Conn, p []byte) {
	s.Helper()
	if _, err := io.ReadFull(c, p); err != nil {
		s.Fatal(err)
	}
}

// receiveEnd expects the end of the stream.
func (s *story) receiveEnd(c net.Conn) {
	s.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		s.Fatalf("%d bytes, %v; want the end of the stream", n, err)
	}
}

// receiveReset expects a reset, of which TLS knows no better word than any error but an end.
func (s *story) receiveReset(c net.Conn) {
	s.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, syscall.ECONNRESET) {
		s.Fatalf("%d bytes, %v; want a reset", n, err)
	}
}

// expect compares what matters of a result.
func (s *story) expect(r tunnel.Result, reason, by string, code int, fails bool) {
	s.Helper()
	if string(r.Reason) != reason || string(r.By) != by || r.CloseCode != code || (r.Err != nil) != fails {
		s.Errorf("ended %s by %s, code %d, error %v; want %s by %s, code %d, an error: %v",
			r.Reason, r.By, r.CloseCode, r.Err, reason, by, code, fails)
	}
}

// plain is a TCP connection over loopback.
func plain(t testing.TB) (far, near net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp(l)
	far, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = far.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { hangUp(far); hangUp(near) })
	return far, near
}

// secure is TLS over it.
func secure(t testing.TB) (far, near net.Conn) {
	t.Helper()
	a, b := plain(t)
	c := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	s := tls.Server(loop.NewConn(b, nil), &tls.Config{Certificates: []tls.Certificate{certificate()}})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(c); hangUp(s) })
	return c, s
}

var networks = map[string]network{"TCP": plain, "TLS": secure}

// onBoth tells a story over TCP and over TLS.
func onBoth(t *testing.T, tell func(t *testing.T, n network)) {
	for name, n := range networks {
		t.Run(name, func(t *testing.T) { tell(t, n) })
	}
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

// halfClose ends the far end's own direction.
func halfClose(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// hangUp closes what a test is done with.
func hangUp(c io.Closer) { _ = c.Close() }

// reset ends the far end with a TCP reset.
func reset(c net.Conn) {
	if s, ok := c.(*tls.Conn); ok {
		c = s.NetConn()
	}
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
	_ = c.Close()
}

// eventually waits for what no call can be waited for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// message makes a frame that carries a whole message, as clients (masked) or endpoints make it.
func message(payload []byte, masked bool) []byte { return fragment(0x82, payload, masked) }

// fragment makes a frame with a given first byte.
func fragment(first byte, payload []byte, masked bool) []byte {
	out := []byte{first, 127}
	out = binary.BigEndian.AppendUint64(out, uint64(len(payload)))
	if !masked {
		return append(out, payload...)
	}
	out[1] |= 0x80
	key := []byte{7, 77, 177, 250}
	out = append(out, key...)
	for i, b := range payload {
		out = append(out, b^key[i%4])
	}
	return out
}

// closeFrame makes a Close frame as clients (masked) or endpoints make it.
func closeFrame(code int, text string, masked bool) []byte {
	var key *[4]byte
	if masked {
		key = &[4]byte{9, 99, 199, 29}
	}
	return frame.AppendClose(nil, code, text, key)
}

// timeoutOf reports whether a read found nothing in time.
func timeoutOf(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
