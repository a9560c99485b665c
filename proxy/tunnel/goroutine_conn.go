//go:build !linux || portable

package tunnel

import (
	"crypto/tls"
	"net"
)

// wrapped is what hides a connection: *tls.Conn and well-behaved wrappers.
type wrapped interface{ NetConn() net.Conn }

// closeWrite tells the other end that nothing follows: FIN, and close_notify for TLS. Its error
// is of no use: the end of the connection is noticed where it is read.
func closeWrite(c net.Conn) {
	for c != nil {
		if h, ok := c.(interface{ CloseWrite() error }); ok {
			_ = h.CloseWrite()
			return
		}
		c = inner(c)
	}
}

// severConn closes a connection at once. It never waits: a TLS connection gets no close_notify,
// which a peer that doesn't read would hold up. With reset, bytes that wait to be sent are
// dropped and the other end sees an error instead of an end.
func severConn(c net.Conn, reset bool) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	for l := c; reset && l != nil; l = inner(l) {
		if s, ok := l.(interface{ SetLinger(int) error }); ok {
			_ = s.SetLinger(0)
			break
		}
	}
	_ = c.Close()
}

// closeConn closes a connection, orderly or with a reset.
func closeConn(c net.Conn, reset bool) {
	if reset {
		severConn(c, true)
	}
	_ = c.Close()
}

// inner returns what a wrapper wraps, nil when c is none.
func inner(c net.Conn) net.Conn {
	if w, ok := c.(wrapped); ok {
		return w.NetConn()
	}
	return nil
}
