package model

import (
	"net/http"
	"time"
)

// Timeout is a duration, off, or unset; the three are different. The zero value is unset: whoever
// reads it uses the default. JSON and text forms are "", "off" and a duration such as "1h0m0s".
type Timeout time.Duration

// Off is the Timeout that never fires.
const Off Timeout = -1

// Or returns the duration that t stands for when unset means def. 0 means that it never fires.
func (t Timeout) Or(def time.Duration) time.Duration {
	switch {
	case t == 0:
		return def
	case t < 0:
		return 0
	}
	return time.Duration(t)
}

// String returns "", "off" or the duration.
func (t Timeout) String() string {
	switch {
	case t == 0:
		return ""
	case t < 0:
		return "off"
	}
	return time.Duration(t).String()
}

// MarshalText is String, for JSON.
func (t Timeout) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// The defaults of Timeouts, Balance and Drain, for whatever a route leaves unset.
const (
	DefaultConnect         = 5 * time.Second
	DefaultHandshake       = 10 * time.Second
	DefaultIdle            = time.Hour
	DefaultStall           = time.Minute
	DefaultMaxAge          = 0 // off
	DefaultMaxAgeJitter    = 10
	DefaultClose           = 5 * time.Second
	DefaultDrainDeadline   = 30 * time.Second
	DefaultDrainSpread     = 10 * time.Second
	DefaultDrainCloseCode  = 1012
	DefaultStickyName      = "FAIRLEAD"
	DefaultStickyPath      = "/"
	DefaultConnectAttempts = 3
)

// Timeouts bound the phases of a session. Unset fields stand for the Default constants.
type Timeouts struct {
	// Connect bounds the TCP and TLS connection to one endpoint.
	Connect Timeout `json:"connect,omitzero"`
	// Handshake bounds the time from the request's last byte to the head of the endpoint's answer.
	Handshake Timeout `json:"handshake,omitzero"`
	// Idle ends a tunnel after this long without a byte in either direction.
	Idle Timeout `json:"idle,omitzero"`
	// Stall ends a tunnel when a write was blocked for this long.
	Stall Timeout `json:"stall,omitzero"`
	// MaxAge ends a tunnel with Close 1001 when it is this old, give or take MaxAgeJitter.
	MaxAge Timeout `json:"maxAge,omitzero"`
	// MaxAgeJitter is the percentage, 0 to 100, by which MaxAge is shortened or lengthened at
	// random per session. nil: DefaultMaxAgeJitter.
	MaxAgeJitter *int `json:"maxAgeJitter,omitempty"`
	// Close bounds the closing handshake: the time between a Close frame that the proxy sent and
	// the end of the connection.
	Close Timeout `json:"close,omitzero"`
}

// Algorithm names a way to choose an endpoint.
type Algorithm uint8

// The algorithms.
const (
	// RoundRobin takes the endpoints in turn.
	RoundRobin Algorithm = iota
	// LeastSessions takes the endpoint with the fewest live sessions in this replica.
	LeastSessions
	// ConsistentHash takes the endpoint by rendezvous hash of the request's HashOn value, so that
	// a change of endpoints moves only the keys that it must. Without a value: RoundRobin.
	ConsistentHash
)

// String returns the algorithm's name as users write it.
func (a Algorithm) String() string {
	return [...]string{"RoundRobin", "LeastSessions", "ConsistentHash"}[a%3]
}

// Balance says how an endpoint is chosen.
type Balance struct {
	Algorithm Algorithm
	// HashOn lists what ConsistentHash hashes: the first that the request has counts.
	HashOn []HashOn
	// HashTemplate is a template (package template) that is hashed instead of HashOn. "": none.
	HashTemplate string
	// Subset makes ConsistentHash find so many endpoints for a key, and take one of them in turn.
	// 0 and 1: one.
	Subset int
	// ByLiveSessions makes the weights of backends shares of the sessions that live, not of new ones.
	ByLiveSessions bool
	// Sticky sends a client back to its endpoint by cookie; it wins over Algorithm. nil: off.
	Sticky *StickyCookie
}

// HashSource says where a hash key is found.
type HashSource uint8

// The sources of a hash key.
const (
	HashHeader HashSource = iota
	HashCookie
	HashQueryParam
	// HashSourceIP is the client's address, as trust in X-Forwarded-For gives it; no Name.
	HashSourceIP
	// HashHost is the request's host, HashPath its path, HashURI path and query; no Name.
	HashHost
	HashPath
	HashURI
)

// String returns the source's name as users write it.
func (s HashSource) String() string {
	return [...]string{"Header", "Cookie", "QueryParam", "SourceIP", "Host", "Path", "URI", ""}[s&7]
}

// HashOn is one part of a request that can serve as hash key.
type HashOn struct {
	Source HashSource
	Name   string
}

// StickyMode says what a sticky cookie stands for.
type StickyMode uint8

const (
	// Persistent cookies name the endpoint; the client leaves it only when it is gone.
	Persistent StickyMode = iota
	// Balanced cookies are a random hash key; scaling out moves a fair share of clients.
	Balanced
)

// String returns the mode's name as users write it.
func (m StickyMode) String() string { return [...]string{"Persistent", "Balanced"}[m&1] }

// StickyCookie is the cookie that the proxy sets on answers, the 101 included (RFC 6265). It is
// always HttpOnly.
type StickyCookie struct {
	Name   string // "": DefaultStickyName
	Path   string // "": DefaultStickyPath
	Domain string
	// MaxAge is the cookie's Max-Age; 0 makes it a session cookie.
	MaxAge   time.Duration
	SameSite http.SameSite // 0 leaves the attribute out
	// Expires sets the attribute of that name so much ahead; 0 leaves it out.
	Expires time.Duration
	// Secure: nil sets the attribute on TLS connections only.
	Secure *bool
	Mode   StickyMode
	// Stay makes all attempts at the endpoint that the cookie binds to, as long as it takes
	// sessions, and leaves the cookie as it is when they fail.
	Stay bool
}

// Drain says how sessions leave an endpoint that terminates or is gone, and a route that is deleted.
type Drain struct {
	// Deadline is how long after an endpoint began to terminate its sessions may live; those that
	// remain are closed with CloseCode during the Spread before it. Off: the pod decides.
	Deadline Timeout `json:"deadline,omitzero"`
	// Spread is the window over which closes are spread, so that clients don't return all at once.
	Spread Timeout `json:"spread,omitzero"`
	// CloseCode is sent to clients of a draining endpoint: 1000 to 1014 or 3000 to 4999
	// (RFC 6455 section 7.4). 0: DefaultDrainCloseCode.
	CloseCode int `json:"closeCode,omitzero"`
}

// Code returns the close code, or the default when none is set.
func (d Drain) Code() int {
	if d.CloseCode == 0 {
		return DefaultDrainCloseCode
	}
	return d.CloseCode
}
