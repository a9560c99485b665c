package accept

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Balancers says which peers begin their connections with a preface, and who the client is then.
type Balancers struct {
	// Networks are those of peers that must send one, and are believed. IPv4 networks are written as IPv4.
	Networks []netip.Prefix
	// Timeout bounds the time until it has come.
	Timeout time.Duration
	// Failed is told of connections of such peers that did not begin with one. It may be called from
	// several goroutines.
	Failed func(peer netip.Addr, err error)
}

// Expects reports whether a peer must send a preface. Of all others it counts for nothing: the bytes
// of one are ordinary bytes.
func (b *Balancers) Expects(peer netip.Addr) bool {
	return slices.ContainsFunc(b.Networks, func(n netip.Prefix) bool { return n.Contains(peer) })
}

// Listener returns a listener whose connections have the address of the client for remote address.
func (b *Balancers) Listener(l net.Listener) net.Listener {
	if len(b.Networks) == 0 {
		return l
	}
	return announcing{l, b}
}

type announcing struct {
	net.Listener
	balancers *Balancers
}

// Accept waits for the next connection, but not for its preface: that is read by whoever has the
// connection first.
func (a announcing) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		if peer := tcp.AddrPort().Addr().Unmap(); a.balancers.Expects(peer) {
			return &announced{Conn: conn, balancers: a.balancers, peer: peer}, nil
		}
	}
	return conn, nil
}

// announced is a connection that begins with a preface.
type announced struct {
	net.Conn
	balancers *Balancers
	peer      netip.Addr
	once      sync.Once
	client    net.Addr // nil: the peer
	err       error    // there was no preface
}

// NetConn returns the connection itself. It holds all bytes that were not read from this one.
func (a *announced) NetConn() net.Conn { return a.Conn }

// RemoteAddr returns the client's address; it waits for the preface.
func (a *announced) RemoteAddr() net.Addr {
	a.once.Do(a.begin)
	if a.client != nil {
		return a.client
	}
	return a.Conn.RemoteAddr()
}

// Read reads what follows the preface.
func (a *announced) Read(p []byte) (int, error) {
	if a.once.Do(a.begin); a.err != nil {
		return 0, a.err
	}
	return a.Conn.Read(p)
}

// CloseWrite ends the stream towards the peer.
func (a *announced) CloseWrite() error {
	if h, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}

// begin reads the preface and not a byte more: what follows is left to whoever takes the socket over.
func (a *announced) begin() {
	_ = a.SetReadDeadline(time.Now().Add(a.balancers.Timeout)) // a connection that refuses is closed
	client, come, err := readAnnounced(a.Conn)
	if err != nil {
		a.err = err
		if come > 0 || err != io.EOF { //nolint:errorlint // the bare one: who says nothing only looks whether we are there
			a.balancers.Failed(a.peer, err)
		}
		_ = a.Close()
		return
	}
	_ = a.SetReadDeadline(time.Time{})
	if client.IsValid() {
		a.client = net.TCPAddrFromAddrPort(client)
	}
}

// readAnnounced reads a preface and returns how many bytes have come.
func readAnnounced(from io.Reader) (client netip.AddrPort, come int, err error) {
	var room [256]byte
	p := room[:0]
	for {
		p = slices.Grow(p, missing(p))
		n, err := from.Read(p[len(p) : len(p)+missing(p)])
		p = p[:len(p)+n]
		client, size, wrong := ReadPreface(p)
		switch {
		case wrong != nil:
			return client, len(p), wrong
		case size > 0:
			return client, len(p), nil
		case err != nil:
			return client, len(p), err
		}
	}
}
