package loadbalancer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// dialPatience is how long a node may take to accept: one that has just gone says nothing.
const dialPatience = 2 * time.Second

// errNoNode tells why a client is sent away.
var errNoNode = errors.New("no node is well")

// serve relays a client's connection to a node until both have ended it, or one has broken it.
func (l *LoadBalancer) serve(ctx context.Context, client net.Conn, nodePort uint16) {
	node, err := l.dial(ctx, nodePort)
	if err != nil {
		reset(client) // a cloud's load balancer does so too
		return
	}
	if !l.hold(node) {
		return
	}
	defer l.release(node)
	if l.options.ProxyProtocol {
		if _, err := node.Write(header(client)); err != nil {
			return
		}
	}
	var both sync.WaitGroup
	both.Go(func() { pass(client, node) })
	both.Go(func() { pass(node, client) })
	both.Wait()
}

// dial goes to the node whose turn it is, and to no other: most load balancers of this kind don't either, so a client that is sent to
// a node which has just gone is refused until the health checks notice.
func (l *LoadBalancer) dial(ctx context.Context, nodePort uint16) (net.Conn, error) {
	address, ok := l.next()
	if !ok {
		return nil, errNoNode
	}
	dialer := net.Dialer{Timeout: dialPatience}
	return dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(address, nodePort).String())
}

// pass sends all that from says to the other end, and its end after it. When one direction breaks, so does the other.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil {
		reset(to)
		reset(from)
		return
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // its peer may have broken it meanwhile; the other direction sees that
	}
}

// reset ends a connection as something that is broken.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only for one that is closed
	}
	_ = conn.Close() // it is given up
}
