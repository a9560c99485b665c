package model

import (
	"crypto/sha256"
	"net/netip"
)

// Config is everything that one route table is built from. Order carries no meaning, except that
// of Route.Matches on equal terms: the first Route that claims a host and path keeps it.
type Config struct {
	Routes       []Route
	Backends     []Backend
	Certificates []Certificate
}

// Route says where requests that match it go and how their sessions are treated.
type Route struct {
	// ID is unique in a Config and stable across publishes, such as "wsr/prod/chat/main" or
	// "ingress/prod/web/0". It is the route label of metrics and logs, so it must not depend on a
	// client. Live counters are carried from table to table by it.
	ID string
	// Matches are alternatives: a request that meets any of them belongs to the route. At least one.
	Matches []Match
	// Protocols says what may be asked of the route.
	Protocols Protocols
	// RedirectHTTPS answers plain HTTP requests in the clear with 308 to https.
	RedirectHTTPS bool
	// InsecureUpgrade says what becomes of upgrades in the clear then.
	InsecureUpgrade InsecureUpgrade
	// MinTLS is the lowest TLS version of package crypto/tls for the hosts of the route; the highest
	// of a host's routes counts. 0: the server's own.
	MinTLS uint16
	// Redirect answers every request by itself. nil: none.
	Redirect *Redirect
	Access   Access
	Limits   Limits
	// CORS is for plain requests. nil: left to the endpoints.
	CORS    *CORS
	Headers Headers
	// MaxBody bounds the content of plain requests in bytes: 413. 0: no bound. It has nothing to do
	// with WebSocket messages.
	MaxBody int64
	Rewrite Rewrite
	// Backends are chosen by weight. None, or weights that sum to zero: 503 NoEndpoint.
	Backends   []BackendRef
	BackendTLS BackendTLS
	// Canary takes requests away from Backends. nil: none.
	Canary *Canary
	// Fallback answers while no backend has an endpoint, and for Errors. nil: none.
	Fallback *Fallback
	Timeouts Timeouts
	Retries  Retries
	// Keepalive is for WebSocket tunnels; other upgrades and plain requests have no Pings.
	Keepalive Keepalive
	Balance   Balance
	Drain     Drain
	// NoLog writes no line for the route's sessions; they are counted all the same.
	NoLog bool
}

// Fallback is a backend that answers in place of a route's own.
type Fallback struct {
	Backend BackendRef // its Weight counts for nothing
	// Errors are statuses of an endpoint's answer, 400 to 599, instead of which the client gets the
	// answer of the fallback to a GET with the headers of Told, X-Code (the status) and X-Format (the
	// client's Accept), under the same status. An answer of 101 never is one.
	Errors []int
	Told   []Field
}

// Protocols is a set of what a route serves.
type Protocols uint8

// The protocols of a route.
const (
	// WebSocket serves RFC 6455 upgrade requests.
	WebSocket Protocols = 1 << iota
	// HTTP serves plain requests, streaming responses and other upgrades.
	HTTP
)

// Has reports whether every protocol of q is in p.
func (p Protocols) Has(q Protocols) bool { return p&q == q }

// Rewrite changes a request on its way to the endpoint. The zero value changes nothing.
type Rewrite struct {
	// PrefixReplacement replaces the matched prefix of a Prefix match, or the whole path of an
	// Exact one. Only used when ReplacePrefix is set: "" and "/" are different from none.
	ReplacePrefix     bool   `json:"replacePrefix,omitzero"`
	PrefixReplacement string `json:"prefixReplacement,omitzero"`
	// RegexTemplate is the new path of a RegularExpression match; $1 to $9 stand for its groups.
	RegexTemplate string `json:"regexTemplate,omitzero"`
	// Host replaces the Host header towards the endpoint.
	Host string `json:"host,omitzero"`
}

// BackendRef is one weighted destination of a route.
type BackendRef struct {
	// Backend is the Key of a Backend in the same Config.
	Backend string
	// Weight is this backend's share of the sum of weights, 0 to 1,000,000. 0 gets nothing.
	Weight int
	// Scheme says how its endpoints are spoken to.
	Scheme Scheme
}

// Backend is the endpoints of one Service port.
type Backend struct {
	// Key is unique in a Config and stable across publishes: "namespace/service:port".
	Key       string
	Endpoints []Endpoint
}

// Endpoint is one address that serves a backend.
type Endpoint struct {
	Address netip.AddrPort
	State   EndpointState
	// Name is what the address belongs to, such as a pod's name; for logs and lists only.
	Name string
}

// EndpointState says which sessions an endpoint may have.
type EndpointState uint8

const (
	// EndpointReady endpoints get new sessions.
	EndpointReady EndpointState = iota
	// EndpointDistant endpoints are ready, and the hints of their EndpointSlice give them to other
	// zones or nodes. They get new sessions only while their backend has no ready endpoint; sessions
	// that they have stay.
	EndpointDistant
	// EndpointNotReady endpoints get no new sessions; sessions that they have stay.
	EndpointNotReady
	// EndpointTerminating endpoints still serve but will go. They get new sessions only while their
	// backend has no ready endpoint; sessions that they have are drained (see Drain).
	EndpointTerminating
	// EndpointTerminated endpoints are going and serve nothing new; sessions are drained as above.
	EndpointTerminated
)

// String returns the state's name.
func (s EndpointState) String() string {
	return [...]string{"Ready", "Distant", "NotReady", "Terminating", "Terminated"}[s%5]
}

// Certificate is a PEM key pair and the names that it is served for.
type Certificate struct {
	// Name says where the pair comes from, such as "prod/chat-tls"; for messages.
	Name string
	// Hosts are the SNI names (exact or one leading wildcard label) for which it is served. None:
	// it is the default certificate, for any name without one of its own and for clients without SNI.
	Hosts   []string
	CertPEM []byte
	KeyPEM  []byte
}

// Fingerprint identifies the key pair by its bytes, so that it need be parsed but once.
func (c Certificate) Fingerprint() [sha256.Size]byte {
	h := sha256.New()
	h.Write(c.CertPEM)
	h.Write([]byte{0}) // in no PEM file
	h.Write(c.KeyPEM)
	return [sha256.Size]byte(h.Sum(nil))
}
