package live

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Zone is the living part of limits: what is held now, and how fast it came. Routes may share one.
//
// A client is an IPv4 address or, of IPv6, a network of 64 bits: that is the least that a host is
// given (RFC 6177), so whoever has one address of it has them all.
type Zone struct {
	sessions counter
	clients  [shards]holders

	mu     sync.Mutex
	meters map[Pace]*Meter
}

// Pace names a meter of a zone: one unit in so much time, of each client or of all together.
type Pace struct {
	Every     time.Duration
	PerClient bool
}

// NewZone returns a zone that holds nothing.
func NewZone() *Zone { return &Zone{meters: map[Pace]*Meter{}} }

// Meter returns the zone's meter of a pace, which is made when there is none.
func (z *Zone) Meter(p Pace) *Meter {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := z.meters[p]
	if m == nil {
		m = newMeter(p)
		z.meters[p] = m
	}
	return m
}

// Keep drops the meters of all other paces. Whoever has one may go on using it.
func (z *Zone) Keep(paces []Pace) {
	z.mu.Lock()
	defer z.mu.Unlock()
	maps.DeleteFunc(z.meters, func(p Pace, _ *Meter) bool { return !slices.Contains(paces, p) })
}

// Sessions is how many Holds there are, each counted once.
func (z *Zone) Sessions() int64 { return z.sessions.Load() }

// Clients returns how many Holds a client has that were counted for it.
func (z *Zone) Clients(client netip.Addr) int {
	key := keyOf(client)
	return z.clients[key.shard()].load(key)
}

// Hold is one session that was counted in. The zero value holds nothing. It is comparable, and does
// not know whose it is: what many sessions have in common is kept once.
type Hold struct {
	zone      *Zone
	perClient bool
}

// Acquire counts a session in, unless the zone holds sessions, or the client perClient, already; a
// bound of 0 is none, and for a perClient of 0 nothing is counted by client. full says which bound
// it was. The Hold must be released, with the same client, when the session has ended.
func (z *Zone) Acquire(client netip.Addr, sessions, perClient int) (h Hold, full Bound) {
	key := keyOf(client)
	if perClient > 0 && !z.clients[key.shard()].acquire(key, perClient) {
		return Hold{}, OfClient
	}
	if n := z.sessions.Add(1); sessions > 0 && n > int64(sessions) {
		Hold{z, perClient > 0}.Release(client)
		return Hold{}, OfZone
	}
	return Hold{z, perClient > 0}, None
}

// Release counts the session out.
func (h Hold) Release(client netip.Addr) {
	if h.zone == nil {
		return
	}
	h.zone.sessions.Add(-1)
	if h.perClient {
		key := keyOf(client)
		h.zone.clients[key.shard()].release(key)
	}
}

// Bound is one of the bounds of Acquire.
type Bound uint8

// The bounds.
const (
	None Bound = iota
	OfClient
	OfZone
)

// shards is the number of locks over which clients are spread.
const shards = 64

// key identifies a client. It has no pointer in it, so that maps of many are nothing to the collector.
type key [16]byte

func keyOf(client netip.Addr) key {
	k := key(client.As16())
	if client.Is6() && !client.Is4In6() {
		clear(k[8:])
	}
	return k
}

// seed is a secret of the process, so that nobody can choose addresses that share a shard.
var seed = rand.Uint64()

// shard spreads the keys: neighbours lie in different shards.
func (k key) shard() uint64 {
	const golden = 0x9e3779b97f4a7c15
	h := (binary.BigEndian.Uint64(k[:8]) ^ seed) * golden
	h = (h ^ h>>32 ^ binary.BigEndian.Uint64(k[8:])) * golden
	return h >> 58
}

// holders counts what clients hold. Who holds nothing takes no room, so it is as large as what is held.
type holders struct {
	mu   sync.Mutex
	held map[key]int32
	_    [48]byte // to the end of a cache line
}

func (h *holders) load(k key) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(h.held[k])
}

func (h *holders) acquire(k key, limit int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if int(h.held[k]) >= limit {
		return false
	}
	if h.held == nil {
		h.held = map[key]int32{}
	}
	h.held[k]++
	return true
}

func (h *holders) release(k key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[k]--; h.held[k] > 0 {
		return
	}
	if delete(h.held, k); len(h.held) == 0 {
		h.held = nil // a map never gives room back
	}
}
