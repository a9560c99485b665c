package tunnel_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// gathering keeps what is written, while it holds, to send all in one segment.
type gathering struct {
	net.Conn
	holds bool
	held  bytes.Buffer
}

// Write implements net.Conn.
func (g *gathering) Write(p []byte) (int, error) {
	if g.holds {
		return g.held.Write(p)
	}
	return g.Conn.Write(p)
}

// release sends what was gathered.
func (g *gathering) release() error {
	_ = g.SetWriteDeadline(time.Time{}) // crypto/tls lets nothing be written behind its end
	_, err := g.Conn.Write(g.held.Bytes())
	g.holds = false
	g.held.Reset()
	return err
}

// gathered is TLS whose far end can put several records into one segment.
func gathered(t testing.TB) (far, near net.Conn, g *gathering) {
	t.Helper()
	a, b := plain(t)
	g = &gathering{Conn: a}
	c := tls.Client(g, &tls.Config{InsecureSkipVerify: true})
	s := tls.Server(loop.NewConn(b, nil), &tls.Config{Certificates: []tls.Certificate{certificate()}})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return c, s, g
}

// A client's last messages, its Close frame, the end of TLS and that of TCP come in one segment.
// Everything is passed on, and the endpoint's answer comes back.
func TestTLSEndsInOneSegment(t *testing.T) {
	far, near, g := gathered(t)
	s := start(t, func(t testing.TB) (net.Conn, net.Conn) {
		if near == nil {
			return plain(t)
		}
		defer func() { near = nil }()
		return far, near
	}, tunnel.Spec{Frames: true, Close: patience})
	g.holds = true
	p, bye := message(noise[:40<<10], true), closeFrame(1000, "", true)
	s.send(s.client, p)
	s.send(s.client, bye)
	halfClose(t, s.client)
	if err := g.release(); err != nil {
		t.Fatal(err)
	}
	halfClose(t, g.Conn)
	s.receive(s.endpoint, p)
	s.receive(s.endpoint, bye)
	s.send(s.endpoint, closeFrame(1000, "", false))
	hangUp(s.endpoint)
	s.receiveClose(s.client, false, 1000, "")
	s.receiveEnd(s.client)
	r := s.end()
	s.expect(r, "Closed", "client", 1000, false)
	if r.ToEndpoint != (model.Traffic{Bytes: uint64(len(p) + len(bye)), Messages: 1}) {
		t.Errorf("%+v", r.ToEndpoint)
	}
}

// What was broken on the way is refused by TLS: the end from which it came is lost, nothing of it is
// passed on, and it is told so by an alert.
func TestBrokenRecord(t *testing.T) {
	far, near, g := gathered(t)
	s := start(t, func(t testing.TB) (net.Conn, net.Conn) {
		if near == nil {
			return plain(t)
		}
		defer func() { near = nil }()
		return far, near
	}, tunnel.Spec{Frames: true, Close: patience})
	p := message([]byte("whole"), true)
	g.holds = true
	s.send(s.client, p)
	s.send(s.client, message([]byte("broken"), true))
	g.held.Bytes()[g.held.Len()-1] ^= 1
	if err := g.release(); err != nil {
		t.Fatal(err)
	}
	s.receive(s.endpoint, p)
	s.receiveReset(s.endpoint)
	var alert tls.AlertError
	if _, err := s.client.Read(make([]byte, 1)); err == nil || errors.As(err, &alert) && alert != 20 {
		t.Errorf("%v, want an alert, or a reset behind it", err)
	}
	r := s.end()
	s.expect(r, "Lost", "client", 0, true)
}
