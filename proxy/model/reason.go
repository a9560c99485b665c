package model

// Reason says, in one word, how a request or session ended. The same word stands in logs, metric
// labels, answers, tests and documentation.
type Reason string

// Reasons for which a request is refused before a tunnel stands.
const (
	NotReady         Reason = "NotReady"         // 503: no table was published yet
	Draining         Reason = "Draining"         // 503: this replica is shutting down
	NoRoute          Reason = "NoRoute"          // 404: no route for host and path
	NotWebSocket     Reason = "NotWebSocket"     // 426: a plain request on a route for WebSockets only
	ProtocolRefused  Reason = "ProtocolRefused"  // 403: an upgrade that the route does not serve
	BadHandshake     Reason = "BadHandshake"     // 400: the upgrade request breaks RFC 6455 section 4.2.1
	BadVersion       Reason = "BadVersion"       // 426: Sec-WebSocket-Version is not 13
	RedirectedHTTPS  Reason = "RedirectedHTTPS"  // 308: to https
	NotSecure        Reason = "NotSecure"        // 426: an upgrade in the clear where wss is wanted
	Redirected       Reason = "Redirected"       // 3xx: the route is a redirect
	Misdirected      Reason = "Misdirected"      // 421: TLS was for another host than the request
	Preflight        Reason = "Preflight"        // 204: a CORS question was answered
	SourceRefused    Reason = "SourceRefused"    // 403: the client's address is not let in
	OriginRefused    Reason = "OriginRefused"    // 403: the page's origin is not let in
	Unauthorized     Reason = "Unauthorized"     // 401: name and password are missing or wrong
	AuthRefused      Reason = "AuthRefused"      // 401, 403 or 302: the authentication service says no
	AuthFailed       Reason = "AuthFailed"       // 500: the authentication service has no usable answer
	CertRequired     Reason = "CertRequired"     // 400: a verified client certificate is missing
	CertRefused      Reason = "CertRefused"      // 403: the client certificate is somebody else's
	Sealed           Reason = "Sealed"           // 503: what guards the route could not be read
	TooManySessions  Reason = "TooManySessions"  // 503: a limit of sessions is reached
	TooManyRequests  Reason = "TooManyRequests"  // 503: a rate is exceeded, or that at which passwords can be hashed
	TooLarge         Reason = "TooLarge"         // 413: the request's content is longer than allowed
	NoEndpoint       Reason = "NoEndpoint"       // 503: the route has no endpoint for new sessions
	ConnectFailed    Reason = "ConnectFailed"    // 502: no endpoint took the connection
	ConnectTimeout   Reason = "ConnectTimeout"   // 504: no endpoint took the connection in time
	EndpointReset    Reason = "EndpointReset"    // 502: the endpoint ended the connection before its answer
	HandshakeTimeout Reason = "HandshakeTimeout" // 504: the endpoint's answer did not come in time
	BadUpgrade       Reason = "BadUpgrade"       // 502: the endpoint's 101 breaks RFC 6455 section 4.2.2
	EndpointRefused  Reason = "EndpointRefused"  // the endpoint's answer other than 101, relayed as it is
)

// Reasons of a handshake that succeeded, and for which a session ends.
const (
	Established      Reason = "Established"      // the 101 went to the client
	Served           Reason = "Served"           // a plain HTTP request was answered
	Closed           Reason = "Closed"           // by a closing handshake (RFC 6455 section 7), or both ends finished
	Lost             Reason = "Lost"             // one end went without a Close frame: the 1006 that clients report
	IdleTimeout      Reason = "IdleTimeout"      // no byte in either direction
	StallTimeout     Reason = "StallTimeout"     // a write was blocked for too long
	KeepaliveTimeout Reason = "KeepaliveTimeout" // no answer to the proxy's Ping
	MaxAge           Reason = "MaxAge"           // the session reached its maximum age
	ServerDrain      Reason = "ServerDrain"      // this replica is shutting down
	RouteDeleted     Reason = "RouteDeleted"     // the route is gone
	EndpointDraining Reason = "EndpointDraining" // the endpoint terminates and its deadline came
	ClientGone       Reason = "ClientGone"       // the client left before it was answered
)

// Side says which end something came from.
type Side string

// The sides of a session.
const (
	ByClient   Side = "client"
	ByEndpoint Side = "endpoint"
	ByProxy    Side = "proxy"
)

// Traffic is what went through a tunnel in one direction.
type Traffic struct {
	Bytes    uint64
	Messages uint64 // WebSocket messages that ended; 0 when frames were not followed
}

// Refusal is an answer instead of a tunnel. It is an error, so that every phase before the tunnel
// can return one.
type Refusal struct {
	Status int    // HTTP status code
	Reason Reason // goes into the body, the log and the metrics
	Detail string // what is wrong and what to do; for the client
	Header map[string]string
	Err    error // the cause, for the log only
}

// Error returns the reason, the detail and the cause.
func (r *Refusal) Error() string {
	s := string(r.Reason) + ": " + r.Detail
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }
