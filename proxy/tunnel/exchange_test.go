package tunnel_test

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
)

// exchange connects lines over loopback, for stories with more of them than a test should keep.
type exchange struct {
	*testing.T
	net.Listener
	dialled chan struct{} // holds a token while nobody waits for a line
}

// line is a connection: the far end for the test and the near one for the tunnel.
type line struct {
	far, near net.Conn
	tcp       *net.TCPConn // of the far end
}

func newExchange(t *testing.T) *exchange {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(l) })
	x := &exchange{T: t, Listener: l, dialled: make(chan struct{}, 1)}
	x.dialled <- struct{}{}
	return x
}

// plain connects a line of bare TCP.
func (x *exchange) plain() (line, error) {
	<-x.dialled
	defer func() { x.dialled <- struct{}{} }()
	far, err := net.Dial("tcp", x.Addr().String())
	if err != nil {
		return line{}, err
	}
	near, err := x.Accept()
	if err != nil {
		return line{}, err
	}
	return line{far, near, far.(*net.TCPConn)}, nil
}

// secure connects a line of TLS over it, with the proxy as the server or as the client.
func (x *exchange) secure(proxyServes bool, r *rand.Rand) (line, error) {
	n, err := x.plain()
	if err != nil {
		return line{}, err
	}
	_ = n.far.SetDeadline(time.Now().Add(patience))
	server, client := &tls.Config{Certificates: []tls.Certificate{certificate()}}, &tls.Config{InsecureSkipVerify: true}
	if r.IntN(3) == 0 {
		client.MaxVersion = tls.VersionTLS12
	}
	below, near := &choppy{n.far, r, 0}, loop.NewConn(n.near, nil)
	var far, proxy *tls.Conn
	if proxyServes {
		far, proxy = tls.Client(below, client), tls.Server(near, server)
	} else {
		far, proxy = tls.Server(below, server), tls.Client(near, client)
	}
	done := make(chan error, 1)
	go func() { done <- far.Handshake() }()
	if err := errors.Join(proxy.Handshake(), <-done); err != nil {
		return line{}, err
	}
	below.every = r.IntN(20)
	n.far, n.near = far, proxy
	return n, nil
}

// ends connects a client and an endpoint; of four kinds one is all plain and one all TLS.
func (x *exchange) ends(kind int, r *rand.Rand) (client, endpoint line, err error) {
	connect := func(side int) (line, error) {
		if kind>>side&1 == 0 {
			return x.plain()
		}
		return x.secure(side == 0, rand.New(rand.NewPCG(r.Uint64(), 0)))
	}
	if client, err = connect(0); err != nil {
		return client, endpoint, err
	}
	endpoint, err = connect(1)
	return client, endpoint, err
}

// choppy sends one write of so many in two pieces, so that records come in parts.
type choppy struct {
	net.Conn
	r     *rand.Rand
	every int // 0: none
}

// Write implements net.Conn.
func (c *choppy) Write(p []byte) (int, error) {
	if c.every == 0 || c.r.IntN(c.every) > 0 || len(p) < 2 {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:1+c.r.IntN(len(p)-1)])
	if err != nil {
		return n, err
	}
	m, err := c.Conn.Write(p[n:])
	return n + m, err
}
