package model

import (
	"net/netip"
	"time"
)

// Limits bound what clients may take of a route, each replica by itself. The zero value bounds
// nothing. What goes beyond is answered 503 TooManySessions or TooManyRequests, with Retry-After.
//
// A client is an address, as trust in forwarding headers gives it; of IPv6 it is a network of 64 bits,
// which is the least that a host is given (RFC 6177). Limits come before all other checks, so they count
// whoever comes. What is counted outlives changes of the route; a bound that is new counts from then on.
type Limits struct {
	// Zone names the counters: routes with the same Zone share them. "": those of the route's ID.
	Zone string
	// Sessions bounds the sessions of the zone. A tunnel counts from its request to its end, a plain
	// request until it is answered. 0: no bound.
	Sessions int
	// SessionsPerClient bounds the sessions of one client address. 0: no bound.
	SessionsPerClient int
	// Rates bound requests and handshakes of all clients together; PerClient those of one address.
	Rates, PerClient []Rate
	// Exempt clients are neither counted nor refused by SessionsPerClient and PerClient.
	Exempt []netip.Prefix
}

// Rate is so many events in so much time, and how many more at once: a leaky bucket without delay.
type Rate struct {
	Events int
	Per    time.Duration
	Burst  int
}

// Any reports whether anything is bounded.
func (l *Limits) Any() bool {
	return l.Sessions > 0 || l.SessionsPerClient > 0 || len(l.Rates) > 0 || len(l.PerClient) > 0
}

// Retries say when a request is tried on another endpoint. The zero value: up to
// DefaultConnectAttempts endpoints, for as long as no byte of an answer was seen.
type Retries struct {
	// Attempts are the endpoints that are tried in all. 0: DefaultConnectAttempts.
	Attempts int
	// Unlimited tries every endpoint.
	Unlimited bool
	// Timeout bounds all attempts together: none begins after it. Unset or off: no bound.
	Timeout Timeout
	// On says what an attempt failed with. 0: RetryDefault for as long as no byte of an answer was seen
	// and the request changes nothing; an answer that did not come in time is not asked for again then.
	On RetryOn
	// Statuses are answers of endpoints that are as good as none, unless it is the last attempt.
	Statuses []int
}

// RetryOn is a set of failures.
type RetryOn uint8

// The failures of an attempt.
const (
	// RetryNever is in the set when nothing else may be.
	RetryNever RetryOn = 1 << iota
	// RetryError is a connection that was refused, reset or closed before an answer.
	RetryError
	// RetryTimeout is a connection or an answer that did not come in time.
	RetryTimeout
	// RetryInvalidHeader is an answer that is none.
	RetryInvalidHeader
	// RetryNonIdempotent retries POST, PATCH and LOCK too, which may have had their effect.
	RetryNonIdempotent

	RetryDefault = RetryError | RetryTimeout
)

// Has reports whether every failure of q is in on, which stands for RetryDefault when it is 0.
func (on RetryOn) Has(q RetryOn) bool {
	if on == 0 {
		on = RetryDefault
	}
	return on&q == q && on&RetryNever == 0
}
