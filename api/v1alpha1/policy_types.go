package v1alpha1

// Policy says how sessions are treated. The zero value of every field means unset: a rule takes
// the route's value then, and the route the default.
type Policy struct {
	// What the paths serve: WebSocket, HTTP or both. WebSocket serves RFC 6455 upgrade requests
	// and answers plain requests 426. HTTP serves plain requests, streaming answers and long
	// polling, as socket.io and SockJS need on the same paths. Default: WebSocket alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Protocols []Protocol `json:"protocols,omitempty"`

	// Bounds of the phases of a session. Changes count for new sessions. Default: every field has
	// its own default.
	// +optional
	Timeouts *Timeouts `json:"timeouts,omitempty"`

	// Pings that Fairlead itself sends, to find sides that no longer answer. WebSocket sessions have
	// them, plain HTTP and other upgrades don't. Changes count for new sessions. Default: every
	// field has its own default, and so no Ping is sent.
	// +optional
	Keepalive *Keepalive `json:"keepalive,omitempty"`

	// How an endpoint is chosen for a new session. Default: RoundRobin without a sticky cookie.
	// +optional
	Balance *Balance `json:"balance,omitempty"`

	// When a handshake or request is tried on another endpoint. Default: every field has its own
	// default.
	// +optional
	Retries *Retries `json:"retries,omitempty"`

	// What clients may take of the route, each replica by itself. Default: no bound.
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// Who may use the route. Access that is tightened counts for new sessions. Default: everybody.
	// +optional
	Access *Access `json:"access,omitempty"`

	// Changes to headers of requests and answers. Default: none.
	// +optional
	Headers *Headers `json:"headers,omitempty"`

	// How endpoints are spoken to. Default: by TLS where the appProtocol of the Service port says so
	// (kubernetes.io/wss, https), without verification.
	// +optional
	BackendTLS *BackendTLS `json:"backendTLS,omitempty"`

	// What becomes of WebSocket requests in the clear for hosts with TLS. Serve: they are served,
	// since clients don't follow redirects. Refuse: 426 and a word that wss is needed. Redirect: 308 to
	// https. Default: Serve.
	// +optional
	InsecureWebSocket InsecureWebSocket `json:"insecureWebSocket,omitempty"`

	// How open sessions leave endpoints that go. Default: every field has its own default.
	// +optional
	Drain *Drain `json:"drain,omitempty"`
}

// Protocol is what a path serves.
//
// +kubebuilder:validation:Enum=WebSocket;HTTP
type Protocol string

const (
	// ProtocolWebSocket serves RFC 6455 upgrade requests.
	ProtocolWebSocket Protocol = "WebSocket"
	// ProtocolHTTP serves plain requests and streaming answers.
	ProtocolHTTP Protocol = "HTTP"
)

// Timeouts bound the phases of a session. "0s" turns a bound off.
type Timeouts struct {
	// Longest time for the TCP connection, and the TLS handshake if any, to one endpoint. When it
	// runs out, another endpoint is tried. A duration such as 500ms or 1m30s; "0s" is off.
	// Default: 5s.
	// +optional
	Connect Duration `json:"connect,omitempty"`

	// Longest time from the end of the request to the head of the endpoint's answer; then the
	// client gets 504. A duration such as 500ms or 1m30s; "0s" is off. Default: 10s.
	// +optional
	Handshake Duration `json:"handshake,omitempty"`

	// Ends a session after this long without a byte in either direction. A Ping that one end sends
	// to the other counts; a Ping of keepalive and its answer don't. A duration such as 30m or 12h;
	// "0s" is off. Default: 1h.
	// +optional
	Idle Duration `json:"idle,omitempty"`

	// Ends a session when one side has taken no byte for this long although some wait for it. A
	// duration such as 30s; "0s" is off. Default: 1m.
	// +optional
	Stall Duration `json:"stall,omitempty"`

	// Ends a session at this age with Close 1001, so that clients connect anew and spread over new
	// endpoints. A duration such as 12h; "0s" is off. Default: 0s, off.
	// +optional
	MaxAge Duration `json:"maxAge,omitempty"`

	// Shortens or lengthens maxAge by up to this many percent, at random for each session, so that
	// sessions that began together don't end together. 0 to 100; 0 is off. Default: 10.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxAgeJitter *int32 `json:"maxAgeJitter,omitempty"`

	// Longest time that the other end may take to answer a Close frame that the proxy sent; then
	// the connection is cut. A duration such as 2s; "0s" is off. Default: 5s.
	// +optional
	Close Duration `json:"close,omitempty"`
}

// Keepalive says when the proxy sends Pings of its own (RFC 6455 section 5.5.2).
type Keepalive struct {
	// Sends a Ping to a side from which nothing has come for this long; a side that sends anything
	// gets none. The answer goes no further than Fairlead. A duration such as 30s, at least 1s;
	// "0s" is off. Default: 0s, off.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) == duration('0s') || duration(self) >= duration('1s')",message="must be 1s or more, or 0s for no Pings"
	Interval Duration `json:"interval,omitempty"`

	// Drops a side from which nothing has come for this long after a Ping; the other side gets
	// Close 1011. A duration such as 5s, at least 100ms; "0s" is off: nobody is dropped, and Pings
	// only keep what lies on the way from forgetting the connection. Default: 10s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) == duration('0s') || duration(self) >= duration('100ms')",message="must be 100ms or more, or 0s to wait for no answer"
	Timeout Duration `json:"timeout,omitempty"`

	// Who gets Pings: Client, Backend or Both. Default: Both.
	// +optional
	Peers Peers `json:"peers,omitempty"`
}

// Peers are sides of a session.
//
// +kubebuilder:validation:Enum=Both;Client;Backend
type Peers string

const (
	// PeersBoth are the client and the endpoint.
	PeersBoth Peers = "Both"
	// PeersClient is the client alone.
	PeersClient Peers = "Client"
	// PeersBackend is the endpoint alone.
	PeersBackend Peers = "Backend"
)

// Algorithm names a way to choose an endpoint.
//
// +kubebuilder:validation:Enum=RoundRobin;LeastSessions;ConsistentHash
type Algorithm string

const (
	// RoundRobin takes the endpoints in turn.
	RoundRobin Algorithm = "RoundRobin"
	// LeastSessions takes the endpoint with the fewest open sessions of this replica.
	LeastSessions Algorithm = "LeastSessions"
	// ConsistentHash takes the endpoint by a hash of something in the request.
	ConsistentHash Algorithm = "ConsistentHash"
)

// Balance says how an endpoint is chosen for a new session.
//
// +kubebuilder:validation:XValidation:rule="!has(self.hashOn) || !has(self.algorithm) || self.algorithm == 'ConsistentHash'",message="hashOn is for algorithm ConsistentHash only: change the algorithm, or remove hashOn"
type Balance struct {
	// RoundRobin takes the endpoints in turn. LeastSessions takes the one with the fewest open
	// sessions of this replica. ConsistentHash takes the endpoint by a hash of hashOn, so that
	// equal values meet at one endpoint and a change of endpoints moves only the values that it
	// must. Default: RoundRobin.
	// +optional
	Algorithm Algorithm `json:"algorithm,omitempty"`

	// What ConsistentHash hashes, 1 to 8 parts of a request: the first that the request has
	// counts. A request that has none of them is balanced by RoundRobin. Default: none; required
	// by ConsistentHash and refused with another algorithm.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	HashOn []HashOn `json:"hashOn,omitempty"`

	// What the weights of a rule's backends are shares of. NewSessions: of the sessions that begin.
	// LiveSessions: of those that live in this replica, so that a backend that was added gets more
	// until it has its share. Default: NewSessions.
	// +optional
	Share Share `json:"share,omitempty"`

	// A cookie that sends a client back to its endpoint; it is set on every answer, the 101 of a
	// WebSocket too, and wins over the algorithm. Write {} for all its defaults. Default: none, no
	// cookie is set. A rule cannot turn off a cookie that the route's policy turns on.
	// +optional
	StickyCookie *StickyCookie `json:"stickyCookie,omitempty"`
}

// Share says what weights are shares of.
//
// +kubebuilder:validation:Enum=NewSessions;LiveSessions
type Share string

const (
	// ShareNewSessions weighs the sessions that begin.
	ShareNewSessions Share = "NewSessions"
	// ShareLiveSessions weighs the sessions that live.
	ShareLiveSessions Share = "LiveSessions"
)

// HashOnType says where in a request a hash key is found.
//
// +kubebuilder:validation:Enum=Header;Cookie;QueryParam;SourceIP
type HashOnType string

const (
	// HashOnHeader is the value of a header.
	HashOnHeader HashOnType = "Header"
	// HashOnCookie is the value of a cookie.
	HashOnCookie HashOnType = "Cookie"
	// HashOnQueryParam is the value of a parameter in the query.
	HashOnQueryParam HashOnType = "QueryParam"
	// HashOnSourceIP is the address of the client.
	HashOnSourceIP HashOnType = "SourceIP"
)

// HashOn is a part of a request that serves as hash key.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'SourceIP' ? !has(self.name) : has(self.name)",message="name is required for Header, Cookie and QueryParam, and must be left out for SourceIP"
// +kubebuilder:validation:XValidation:rule="!(self.type in ['Header', 'Cookie']) || !has(self.name) || self.name.matches('^[-!#$%&*+.^_|~0-9A-Za-z]+$')",message="the name of a header or cookie has letters, digits and - _ . ! # $ % & * + ^ | ~ only",fieldPath=".name"
type HashOn struct {
	// Header, Cookie or QueryParam: the value of the one that name says. SourceIP: the address of
	// the client, as the trusted proxies before Fairlead tell it.
	// +required
	Type HashOnType `json:"type"`

	// Name of the header (case counts for nothing), cookie or query parameter, 1 to 128
	// characters. Left out for SourceIP. Default: none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`
}

// SameSite is the attribute of that name of a cookie.
//
// +kubebuilder:validation:Enum=Lax;Strict;None
type SameSite string

const (
	// SameSiteLax sends the cookie with requests of the same site and with top-level navigation.
	SameSiteLax SameSite = "Lax"
	// SameSiteStrict sends the cookie with requests of the same site only.
	SameSiteStrict SameSite = "Strict"
	// SameSiteNone sends the cookie with requests of every site; browsers want Secure for it.
	SameSiteNone SameSite = "None"
)

// StickyMode says what a sticky cookie stands for.
//
// +kubebuilder:validation:Enum=Persistent;Balanced
type StickyMode string

const (
	// StickyPersistent names the endpoint in the cookie.
	StickyPersistent StickyMode = "Persistent"
	// StickyBalanced has a random hash key in the cookie.
	StickyBalanced StickyMode = "Balanced"
)

// StickyCookie is a cookie (RFC 6265) that sends a client back to its endpoint. It is always
// HttpOnly, and Secure on TLS connections.
type StickyCookie struct {
	// Name of the cookie: letters, digits and - _ . ! # $ % & * + ^ | ~, 1 to 128 characters.
	// Default: FAIRLEAD.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-!#$%&*+.^_|~0-9A-Za-z]+$')",message="the name of a cookie has letters, digits and - _ . ! # $ % & * + ^ | ~ only"
	Name string `json:"name,omitempty"`

	// Path below which clients send the cookie; it starts with / and has up to 1024 characters.
	// Default: /.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-:<-~]*$')",message="must start with / and have no space, control character, semicolon or letter outside ASCII (percent-encode them)"
	Path string `json:"path,omitempty"`

	// How long clients keep the cookie, in whole seconds; a rest counts as one more. A duration
	// such as 24h; "0s" makes it a session cookie, which ends with the browser. Default: 0s.
	// +optional
	MaxAge Duration `json:"maxAge,omitempty"`

	// Which requests from other sites bring the cookie: Lax (navigation), Strict (none) or None
	// (all). Browsers take None over TLS only. Default: Lax.
	// +optional
	SameSite SameSite `json:"sameSite,omitempty"`

	// Persistent: the cookie names the endpoint, and the client stays there until it is gone.
	// Balanced: the cookie is a random hash key, and new endpoints get their fair share of the
	// clients that come back. Default: Persistent.
	// +optional
	Mode StickyMode `json:"mode,omitempty"`
}

// Drain says how sessions leave an endpoint that terminates, and a route that is deleted.
//
// +kubebuilder:validation:XValidation:rule="!has(self.spread) || !has(self.deadline) || !(self.spread + ' ' + self.deadline).matches('^([0-9]+[hms]+)+ ([0-9]+[hms]+)+$') || duration(self.deadline) == duration('0s') || duration(self.spread) <= duration(self.deadline)",message="spread must not be longer than deadline: closes are spread over the last part of it"
type Drain struct {
	// How long sessions may stay on an endpoint that began to terminate; those that remain are
	// closed with closeCode before it ends. A duration such as 5m, best a little below the pod's
	// terminationGracePeriodSeconds; "0s" is off: the pod decides. Default: 30s.
	// +optional
	Deadline Duration `json:"deadline,omitempty"`

	// Window before the deadline over which closes are spread evenly, so that clients don't come
	// back all at once; at most the deadline. A duration such as 10s; "0s" is off: all are closed
	// at the deadline. Default: 10s.
	// +optional
	Spread Duration `json:"spread,omitempty"`

	// Close code (RFC 6455 section 7.4) that clients of a draining endpoint get: 1000 to 1014
	// without the reserved 1004, 1005 and 1006, or 3000 to 4999. Default: 1012, service restart.
	// +optional
	// +kubebuilder:validation:XValidation:rule="(self >= 1000 && self <= 1014 && !(self in [1004, 1005, 1006])) || (self >= 3000 && self <= 4999)",message="must be a close code that may be sent: 1000 to 1014 without the reserved 1004, 1005 and 1006, or 3000 to 4999 (RFC 6455 section 7.4)"
	CloseCode *int32 `json:"closeCode,omitempty"`
}
