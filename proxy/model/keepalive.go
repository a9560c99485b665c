package model

import (
	"fmt"
	"time"
)

// The defaults of Keepalive, and the shortest times that it may have.
const (
	DefaultKeepaliveInterval = 0 // off
	DefaultKeepaliveTimeout  = 10 * time.Second
	MinKeepaliveInterval     = time.Second
	MinKeepaliveTimeout      = 100 * time.Millisecond
)

// Keepalive says when the proxy sends Pings of its own (RFC 6455 section 5.5.2) into a WebSocket
// tunnel. A side that sends anything is alive and gets none. The Pongs that answer them end at the
// proxy. Neither keeps Timeouts.Idle from running out: that counts what the two ends send each other.
// Unset fields stand for the Default constants, so the zero value sends nothing.
type Keepalive struct {
	// Interval is how long nothing may come from a side before that side gets a Ping: off, or
	// MinKeepaliveInterval and more.
	Interval Timeout `json:"interval,omitzero"`
	// Timeout is how long after a Ping still nothing may come from the side before it is dropped,
	// and the other side gets Close 1011: MinKeepaliveTimeout and more. Off: never, so Pings only
	// keep what lies on the way from forgetting the connection.
	Timeout Timeout `json:"timeout,omitzero"`
	// Peers says which sides get Pings.
	Peers Peers `json:"peers,omitzero"`
}

// Validate reports times that are too short to be meant. What is unset or off is valid.
func (k Keepalive) Validate() error {
	if k.Interval > 0 && time.Duration(k.Interval) < MinKeepaliveInterval {
		return fmt.Errorf("a Ping every %s would be a flood: write %s or more, or 0s for no Pings", k.Interval, MinKeepaliveInterval)
	}
	if k.Timeout > 0 && time.Duration(k.Timeout) < MinKeepaliveTimeout {
		return fmt.Errorf("%s is no time for an answer: write %s or more, or 0s to wait for none", k.Timeout, MinKeepaliveTimeout)
	}
	return nil
}

// Peers says which sides of a tunnel something is for.
type Peers uint8

// The sides of a tunnel.
const (
	// PeersBoth are the client and the endpoint.
	PeersBoth Peers = iota
	// PeersClient is the client alone.
	PeersClient
	// PeersEndpoint is the endpoint alone.
	PeersEndpoint
)

// Has reports whether s is among p.
func (p Peers) Has(s Side) bool {
	switch p {
	case PeersClient:
		return s == ByClient
	case PeersEndpoint:
		return s == ByEndpoint
	}
	return s == ByClient || s == ByEndpoint
}

// String returns the name as users write it.
func (p Peers) String() string { return [...]string{"Both", "Client", "Backend", ""}[p&3] }

// MarshalText is String, for JSON.
func (p Peers) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
