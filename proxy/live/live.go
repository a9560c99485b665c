package live

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Route is the living part of a route.
type Route struct {
	turn
	canaries turn
	sessions counter
	deleted  mark

	mu     sync.Mutex // for shares, which only the compilation of tables asks for
	shares []*Share
}

// NewRoute returns the living part of a new route.
func NewRoute() *Route {
	r := new(Route)
	r.shuffle()
	r.canaries.shuffle()
	return r
}

// Sessions is the number of sessions that the route has, those in their handshake included.
func (r *Route) Sessions() int64 { return r.sessions.Load() }

// Acquire counts a session in; Release counts it out.
func (r *Route) Acquire() { r.sessions.Add(1) }

// Release counts out a session that Acquire counted in.
func (r *Route) Release() { r.sessions.Add(-1) }

// CanaryTurn is Turn for canaries. They have turns of their own: who went to the canary and who did
// not must not have an effect on how the others are shared out.
func (r *Route) CanaryTurn() uint64 { return r.canaries.Turn() }

// Share returns the counter of the route's sessions on a backend, which is the same at every call.
func (r *Route) Share(backend string) *Share {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shares {
		if s.backend == backend {
			return s
		}
	}
	s := &Share{backend: backend}
	r.shares = append(r.shares, s)
	return s
}

// Share counts the sessions that a route has on one of its backends. nil counts nothing.
type Share struct {
	sessions counter
	backend  string
}

// Sessions is the number of sessions that are counted in.
func (s *Share) Sessions() int64 {
	if s == nil {
		return 0
	}
	return s.sessions.Load()
}

// Acquire counts a session in; Release counts it out.
func (s *Share) Acquire() {
	if s != nil {
		s.sessions.Add(1)
	}
}

// Release counts out a session that Acquire counted in.
func (s *Share) Release() {
	if s != nil {
		s.sessions.Add(-1)
	}
}

// Deleted returns since when the route is gone from the table; false when it is not.
func (r *Route) Deleted() (time.Time, bool) { return r.deleted.since() }

// SetDeleted marks the route as gone at that time. A mark that stands is kept.
func (r *Route) SetDeleted(at time.Time) { r.deleted.set(at) }

// Restore takes the mark back: the route is in the table again.
func (r *Route) Restore() { r.deleted.clear() }

// Backend is the living part of a backend.
type Backend struct {
	turn
}

// NewBackend returns the living part of a new backend.
func NewBackend() *Backend {
	b := new(Backend)
	b.shuffle()
	return b
}

// Endpoint is the living part of an endpoint.
type Endpoint struct {
	sessions counter
	leaving  mark
	mute     mute
}

// Sessions is the number of sessions that the endpoint has, those in their handshake included.
func (e *Endpoint) Sessions() int64 { return e.sessions.Load() }

// Acquire counts a session in; Release counts it out.
func (e *Endpoint) Acquire() { e.sessions.Add(1) }

// Release counts out a session that Acquire counted in.
func (e *Endpoint) Release() { e.sessions.Add(-1) }

// Leaving returns since when the endpoint terminates or is gone; false when it does not.
func (e *Endpoint) Leaving() (time.Time, bool) { return e.leaving.since() }

// SetLeaving marks the endpoint as leaving since that time. A mark that stands is kept.
func (e *Endpoint) SetLeaving(at time.Time) { e.leaving.set(at) }

// Stay takes the mark back: the endpoint serves again.
func (e *Endpoint) Stay() { e.leaving.clear() }

// counter counts sessions.
type counter = atomic.Int64

// turn says whose turn it is.
type turn struct{ next atomic.Uint64 }

// shuffle starts the turns at random, so that many replicas don't all begin with the same choice.
func (t *turn) shuffle() { t.next.Store(rand.Uint64()) }

// Turn returns the next number of an endless sequence, for choices in turn.
func (t *turn) Turn() uint64 { return t.next.Add(1) }

// mark is a moment that was noted, or none. It is kept as nanoseconds since epoch plus one, by the
// monotonic clock: a clock that is set must not bring a drain to its end before its time. Nothing
// was noted before epoch.
type mark struct{ at atomic.Int64 }

var epoch = time.Now()

func (m *mark) since() (time.Time, bool) {
	ns := m.at.Load()
	return epoch.Add(time.Duration(ns - 1)), ns != 0
}

func (m *mark) set(at time.Time) { m.at.CompareAndSwap(0, max(int64(at.Sub(epoch))+1, 1)) }

func (m *mark) clear() { m.at.Store(0) }
