package tunnel

import (
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// The indexes of Tunnel.lanes: a lane has the number of the side that it comes from.
const (
	client = iota
	endpoint
)

// Tunnel is a pair of connections whose bytes are passed to each other. Its methods are safe on
// any goroutine, also after its end.
type Tunnel struct {
	owner  Owner
	frames bool
	idle   time.Duration
	stall  time.Duration
	maxAge time.Duration
	grace  time.Duration // Spec.Close

	// start is what all stamps count nanoseconds from.
	start time.Time
	// active is when a byte last moved.
	active atomic.Int64
	// phase is written under ending.mu and read by the lanes between any two chunks.
	phase atomic.Int32
	lanes [2]lane

	ending
}

// Start begins to pass bytes between the two connections of a Spec and returns at once.
func Start(s Spec) *Tunnel {
	t := &Tunnel{
		owner:  s.Owner,
		frames: s.Frames,
		idle:   s.Idle,
		stall:  s.Stall,
		maxAge: s.MaxAge,
		grace:  s.Close,
		start:  time.Now(),
	}
	t.running = len(t.lanes)
	t.active.Store(int64(firstStamp))
	_ = s.Client.SetDeadline(time.Time{})
	_ = s.Endpoint.SetDeadline(time.Time{})
	t.lanes[client].init(t, model.ByClient, s.Client, s.Endpoint)
	t.lanes[endpoint].init(t, model.ByEndpoint, s.Endpoint, s.Client)

	t.mu.Lock()
	t.advance()
	t.mu.Unlock()
	go t.lanes[client].run(s.ClientRest)
	go t.lanes[endpoint].run(s.EndpointRest)
	return t
}

// Traffic returns what has gone through so far, cheaply and without disturbing the tunnel.
func (t *Tunnel) Traffic() (toEndpoint, toClient model.Traffic) {
	return t.lanes[client].traffic(), t.lanes[endpoint].traffic()
}

// Close ends the tunnel gracefully, after a delay. Of several calls the one that comes due first
// counts. With frames the client gets a Close frame with the cause's code at the next frame
// boundary, and the closing handshake is awaited for Spec.Close; without, both ends get the end
// of their stream and have that long to end theirs. See the package's description.
func (t *Tunnel) Close(c Cause, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in(closing) {
		return
	}
	at := t.now() + max(after, 0)
	if t.asked.at == 0 || at < t.asked.at {
		t.asked.at, t.asked.cause = at, c
		t.advance()
	}
}

// Kill ends the tunnel now: both connections are closed without a closing handshake, whatever is
// under way.
func (t *Tunnel) Kill(c Cause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in(severed) {
		return
	}
	t.record(c.Reason, model.ByProxy, nil)
	t.sever()
}

// firstStamp is the stamp of the start: not 0, which stands for "not set".
const firstStamp time.Duration = 1

// now returns the stamp of this moment.
func (t *Tunnel) now() time.Duration { return time.Since(t.start) + firstStamp }

// peer returns the lane in the other direction.
func (t *Tunnel) peer(l *lane) *lane {
	if l == &t.lanes[client] {
		return &t.lanes[endpoint]
	}
	return &t.lanes[client]
}
