package tunnel

import (
	"net"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Spec is what a tunnel needs to know. It is read by Start alone.
type Spec struct {
	// Client and Endpoint are the connections after the 101. The tunnel owns them from Start on
	// and closes both. Deadlines that were set on them are cleared. A bare *net.TCPConn waits
	// without a buffer; anything else, *tls.Conn included, keeps a small one. End of stream is
	// passed on by a CloseWrite method, resets by SetLinger; a connection that has neither, and
	// whose NetConn has neither, is closed when the tunnel ends.
	Client, Endpoint net.Conn
	// ClientRest and EndpointRest are bytes that were read behind the handshake. They are
	// delivered first, and must not be changed after Start.
	ClientRest, EndpointRest []byte
	// Frames says that both directions carry RFC 6455 frames. Without it bytes are opaque: no
	// message is counted and no Close frame is known or made.
	Frames bool

	// Idle ends the tunnel after this long without a byte in either direction. 0: never.
	Idle time.Duration
	// Stall ends the tunnel when a write, of 32 KiB at most, was blocked for this long because
	// one end doesn't read. 0: never.
	Stall time.Duration
	// MaxAge ends the tunnel this long after Start. 0: never.
	MaxAge time.Duration
	// Close bounds a closing once it has begun. 0: no waiting, what can't be said at once is
	// not said.
	Close time.Duration

	// Owner is told of the end. It must not be nil.
	Owner Owner
}

// Owner is whoever started a tunnel.
type Owner interface {
	// TunnelEnded is called exactly once, when both connections are closed and no more bytes
	// move. It may be called before Start has returned, and on any goroutine, which it must not
	// block for long.
	TunnelEnded(Result)
}

// Result says how a tunnel ended.
type Result struct {
	// Reason is the first cause: model.Closed, Lost, IdleTimeout, StallTimeout, MaxAge, or that
	// of the Cause given to Close or Kill.
	Reason model.Reason
	// By is the side that Reason speaks of: who closed, or who was lost.
	By model.Side
	// CloseCode is the code of the first Close frame in either direction, made by either end or
	// by the proxy: 1005 when it had none (RFC 6455 section 7.1.5), 0 when there was no frame.
	CloseCode int
	// ToEndpoint and ToClient count what the ends sent each other and the proxy passed on; Close
	// frames that the proxy made are not in it.
	ToEndpoint, ToClient model.Traffic
	// Err is the first error worth logging: nil when the end was orderly.
	Err error
}

// Cause is why a tunnel is closed from outside.
type Cause struct {
	// Reason becomes Result.Reason, unless an end was quicker.
	Reason model.Reason
	// Code is the Close frame's code (RFC 6455 section 7.4), such as 1001 or 1012. One that must
	// not be sent makes a Close frame without a code.
	Code int
	// Text is the Close frame's reason: for people, cut to 123 bytes.
	Text string
}
