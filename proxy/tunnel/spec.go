package tunnel

import (
	"net"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Spec is what a tunnel needs to know. It is read while the tunnel starts, and not kept.
type Spec struct {
	// Client and Endpoint are the connections after the 101. The tunnel owns them from Start on
	// and closes both. Deadlines that were set on them are cleared. They are TCP connections, or
	// TLS over a [loop.Conn].
	Client, Endpoint net.Conn
	// ClientRest and EndpointRest are bytes that were read behind the handshake. They are
	// delivered first, and must not be changed after Start.
	ClientRest, EndpointRest []byte
	// Frames says that both directions carry RFC 6455 frames. Without it bytes are opaque: no
	// message is counted and no Close frame is known or made.
	Frames bool

	// Idle ends the tunnel after this long without a byte in either direction. 0: never.
	Idle time.Duration
	// Stall ends the tunnel when a write, of 256 KiB at most, was blocked for this long because
	// one end doesn't read. 0: never.
	Stall time.Duration
	// MaxAge ends the tunnel this long after Start. 0: never.
	MaxAge time.Duration
	// Close bounds a closing once it has begun. 0: no waiting, what can't be said at once is
	// not said.
	Close time.Duration

	// Keepalive asks silent ends whether they are still there. It needs Frames.
	Keepalive Keepalive

	// Owner is told of the end. It must not be nil.
	Owner Owner
}

// Keepalive says when an end is asked by a Ping of the proxy's (RFC 6455 section 5.5.2) whether it
// is still there. Its Pong goes no further, and neither counts for Idle. The zero value never asks.
type Keepalive struct {
	// Interval is how long nothing came from an end when it is asked. 0: never.
	Interval time.Duration
	// Timeout is how long after the Ping a sign of life must have come from the end, be it the Pong,
	// anything else, or that it takes what it did not take before; if not, it is given up. 0: it
	// never is.
	Timeout time.Duration
	// Client and Endpoint say who is asked.
	Client, Endpoint bool
}

// Owner is whoever started a tunnel.
type Owner interface {
	// TunnelEnded is called exactly once, when both connections are closed and no more bytes
	// move. It may be called before Start has returned, and on any goroutine, which it must not
	// block for long.
	TunnelEnded(Result)
	// TunnelPonged is called when an end has answered a Ping of Spec.Keepalive, with the time from
	// one to the other, under the same conditions.
	TunnelPonged(by model.Side, after time.Duration)
}

// Result says how a tunnel ended.
type Result struct {
	// Reason is the first cause: model.Closed, Lost, IdleTimeout, StallTimeout, MaxAge,
	// KeepaliveTimeout, or that of the Cause given to Close or Kill.
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
