package live

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Meter says whether something comes faster than its pace. It is a leaky bucket without delay, kept
// as the moment at which the bucket will be empty (the generic cell rate algorithm, ITU-T I.371
// annex A): a single number for whoever is measured.
//
// Of clients it remembers those whose bucket is not empty, up to 65,536 of them, in at most 4 MiB.
// When there are more, those are forgotten that are nearest to an empty bucket: a flood of addresses
// makes nobody forgotten who came too often.
type Meter struct {
	every     time.Duration
	perClient bool
	all       atomic.Int64
	shards    [shards]emptying
}

func newMeter(p Pace) *Meter { return &Meter{every: max(p.Every, 1), perClient: p.PerClient} }

// Allow counts one more and returns 0, or returns how long it comes too early and counts nothing.
// burst is how many more than the pace says may come at once. The client counts for meters PerClient.
func (m *Meter) Allow(client netip.Addr, burst int) (early time.Duration) {
	now := int64(time.Since(epoch))
	if m.perClient {
		k := keyOf(client)
		return m.shards[k.shard()].allow(k, m, now, burst)
	}
	for {
		empty := m.all.Load()
		next, early := m.pour(empty, now, burst)
		if early > 0 || m.all.CompareAndSwap(empty, next) {
			return early
		}
	}
}

// pour returns when a bucket that is empty at a moment, or 0 when it always was, will be empty after
// one more, or how long it is too full for it.
func (m *Meter) pour(empty, now int64, burst int) (next int64, early time.Duration) {
	if empty == 0 {
		empty = now
	}
	empty = max(empty, now)
	room := int64(burst) * int64(m.every)
	if burst > 0 && room/int64(burst) != int64(m.every) {
		room = 1<<63 - 1 // so large a burst is none
	}
	if full := empty - now; full > room {
		return 0, time.Duration(full - room)
	}
	return empty + int64(m.every), 0
}

const (
	// maxRemembered bounds the clients of a shard.
	maxRemembered = 1024
	// minRemembered is how many need not be looked through.
	minRemembered = 32
)

// emptying has the moments at which the buckets of clients will be empty.
type emptying struct {
	mu   sync.Mutex
	at   map[key]int64
	full int // the number of clients at which those are looked for that need not be remembered
	_    [40]byte
}

func (e *emptying) allow(k key, m *Meter, now int64, burst int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	next, early := m.pour(e.at[k], now, burst)
	if early > 0 {
		return early
	}
	if e.at == nil {
		e.at, e.full = map[key]int64{}, minRemembered
	}
	e.at[k] = next
	if len(e.at) >= e.full {
		e.sweep(now)
	}
	return 0
}

// sweep forgets whose bucket is empty and, if those who are left are too many, whose is emptier than
// the average. What it costs is spread over those who came since the last time.
func (e *emptying) sweep(now int64) {
	var sum float64
	for k, at := range e.at {
		if at <= now {
			delete(e.at, k)
			continue
		}
		sum += float64(at - now)
	}
	if len(e.at) >= maxRemembered/2 {
		mean := now + int64(sum/float64(len(e.at))) + 1 // rounded up: the emptiest always goes
		for k, at := range e.at {
			if at <= mean {
				delete(e.at, k)
			}
		}
	}
	left := make(map[key]int64, len(e.at)) // a map never gives room back
	for k, at := range e.at {
		left[k] = at
	}
	e.at, e.full = left, min(max(2*len(left), minRemembered), maxRemembered)
}
