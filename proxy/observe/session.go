package observe

import (
	"net/netip"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Session identifies one session, or one plain request, in logs, metrics and lists. Fields that are
// not known yet when a request is refused stay zero, and are left out of its log line.
type Session struct {
	ID uint64 // unique in this process

	Route        string // model.Route.ID; "" when no route matched
	Backend      string // model.Backend.Key
	Endpoint     netip.AddrPort
	EndpointName string // model.Endpoint.Name, such as a pod's name; log and list only

	Client netip.Addr // log and list only
	Host   string     // log and list only
	Path   string     // log and list only

	// Protocol is what the request asked to upgrade to, in lower case, such as "websocket"; "" for
	// a plain HTTP request.
	Protocol string
	TLS      bool // the client's connection is TLS
	NoLog    bool // it gets no lines in the log
	// Start is when the request's head was read: before its table was loaded, see Observer.Forget.
	Start time.Time
}

// Live is one live session as it is at the moment.
type Live struct {
	Session
	ToEndpoint, ToClient model.Traffic
}

// Outcome is how a request ended, on whatever way.
type Outcome struct {
	Session
	Reason model.Reason
	// By is the side that ended the session first; "" when it never was a tunnel.
	By model.Side
	// CloseCode is the code of the first Close frame (RFC 6455 section 7.4). 0: there was none.
	CloseCode int
	// Status is the HTTP status that the client was sent, 101 for a tunnel. 0: none was sent.
	Status int
	// Handshake is the time from Start to the answer, Duration that from Start to the end.
	Handshake, Duration  time.Duration
	ToEndpoint, ToClient model.Traffic
	// Tunnelled says that the session was told to Observer.Opened.
	Tunnelled bool
	Err       error // the cause, for the log only
}

// Publish is what one publish did.
type Publish struct {
	// Routes, Backends and Endpoints count what the table now holds.
	Routes, Backends, Endpoints int
	// Took is the time from the beginning of reading the objects to the table that serves.
	Took time.Duration
	// Changed is false when the configuration equals that of the previous table, which then stays.
	Changed bool
	// Change tells in a few words what changed; for the log only.
	Change string
}
