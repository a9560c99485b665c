package backend

import (
	"context"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
)

// Request is the upgrade request for an endpoint.
type Request struct {
	Method string
	// URI is the escaped path and query (origin-form, RFC 9112 section 3.2.1).
	URI  string
	Host string
	// Header yields the end-to-end headers; nil: none. Connection, Upgrade, Host, Sec-WebSocket-Key
	// and those that frame content are written from the other fields and ignored here.
	Header iter.Seq2[string, []string]
	// Upgrade is the protocol to ask for, in lower case.
	Upgrade string
	// Key is the client's Sec-WebSocket-Key; "" when Upgrade is not websocket.
	Key string
}

// Endpoint is where and how to connect.
type Endpoint struct {
	Address netip.AddrPort
	// TLS says how the connection is encrypted; nil: it is not.
	TLS *secure.Endpoints
}

// Timeouts bound the phases of an upgrade. 0 is off.
type Timeouts struct {
	// Connect bounds TCP and TLS together.
	Connect time.Duration
	// Handshake bounds the time from the request to the end of the answer's head.
	Handshake time.Duration
}

// Answer is an endpoint's answer to an upgrade request.
type Answer struct {
	// Response is the answer's head. Other than for a 101, its Body streams from Conn.
	Response *http.Response
	// Conn is the connection, without deadlines. For a 101 it is the caller's to use and to close.
	Conn net.Conn
	// Rest are the bytes that came with a 101 and belong to the new protocol.
	Rest []byte

	unwatch func() bool // lets go of the context; nil for a 101
}

// Close closes the connection and thereby ends the body of an answer other than 101. It may be
// called more than once.
func (a *Answer) Close() error {
	if a.unwatch != nil {
		a.unwatch()
	}
	return a.Conn.Close()
}

// Failure is the error of [Upgrade].
type Failure struct {
	// Refusal is what to tell the client when no other endpoint is tried.
	Refusal *model.Refusal
	// Retry: no byte of an answer was seen, and the same request may be sent to another endpoint.
	Retry bool
}

// Error returns the refusal's text.
func (f *Failure) Error() string { return f.Refusal.Error() }

// Unwrap returns the refusal.
func (f *Failure) Unwrap() error { return f.Refusal }

// Upgrade connects to e, sends r and reads the answer's head; interim answers (100, 103) are
// skipped. A 101 is verified (RFC 6455 section 4.2.2) and returned with a connection that ctx has
// no hold on any more. Any other answer is returned for relay: its body lasts as long as ctx, and
// the caller must Close it.
//
// The error is always a *[Failure]: ConnectFailed, ConnectTimeout, EndpointReset, HandshakeTimeout,
// BadUpgrade, BadHandshake for a request that can't be sent, or ClientGone when ctx ended.
func Upgrade(ctx context.Context, e Endpoint, r *Request, t Timeouts) (*Answer, error) {
	head, failure := r.AppendHead(nil)
	if failure != nil {
		return nil, failure
	}
	conn, failure := dial(ctx, e, r.Host, t.Connect)
	if failure != nil {
		return nil, failure
	}
	return converse(ctx, &source{conn: conn, left: maxHead}, head, r, t.Handshake)
}

// Resume is [Upgrade] from the middle, for a connection over which r was sent: seen are the bytes of
// the answer that were read already, and must not change for as long as the answer lasts. timeout
// bounds the time until the end of the answer's head, from now; 0 is off. conn is closed on error.
func Resume(ctx context.Context, conn net.Conn, seen []byte, r *Request, timeout time.Duration) (*Answer, error) {
	return converse(ctx, &source{conn: conn, ahead: seen, left: maxHead}, nil, r, timeout)
}
