package proxy

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/loop"
)

// handed is a connection that an event loop has accepted and hands over to net/http, because its
// request is not an ordinary WebSocket handshake or has come to an end other than a tunnel. What was
// read of it is read again.
type handed struct {
	*loop.Conn
	remote net.Addr                   // nil: the connection's own
	begun  atomic.Pointer[unfinished] // nil: no request was, or somebody has taken it
}

// RemoteAddr returns the address of the client, which a balancer in front may have told.
func (h *handed) RemoteAddr() net.Addr {
	if h.remote != nil {
		return h.remote
	}
	return h.Conn.RemoteAddr()
}

// unfinished is a request that an event loop has begun.
type unfinished struct {
	*exchange
	resume  func(*exchange) error // goes on with it
	discard func()                // lets go of what resume would use; nil: nothing
}

// Close closes the connection.
func (h *handed) Close() error {
	h.abandon(net.ErrClosed)
	return h.Conn.Close()
}

// abandon ends a request that never got to its handler.
func (h *handed) abandon(cause error) {
	if u := h.begun.Swap(nil); u != nil {
		if u.discard != nil {
			u.discard()
		}
		u.finish(backend.ClientGone(cause))
		u.server.handshakes.Add(-1)
	}
}

type connKey struct{}

// withConn lets a request find the connection that it came on.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if h, ok := c.(*handed); ok {
		return context.WithValue(ctx, connKey{}, h)
	}
	return ctx
}

// begun returns what an event loop has begun of the request, once, or nil.
func begun(r *http.Request) *unfinished {
	if h, ok := r.Context().Value(connKey{}).(*handed); ok {
		return h.begun.Swap(nil)
	}
	return nil
}
