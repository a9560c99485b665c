package tunnel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// The indexes of Tunnel.lanes: a lane has the number of the side that it comes from.
const (
	client = iota
	endpoint
)

// Tunnel is a pair of connections whose bytes are passed to each other. The zero value has not
// been started and must not be copied once it was. Its methods are safe on any goroutine, also
// after its end.
type Tunnel struct {
	owner  Owner
	frames bool
	idle   time.Duration
	stall  time.Duration
	maxAge time.Duration
	grace  time.Duration // Spec.Close
	keep   *keepalive    // nil: nobody is asked

	// active is when a byte last moved.
	active atomic.Int64
	// phase is written under mu and read by the lanes between any two chunks.
	phase atomic.Int32
	lanes [2]lane
	carrier

	mu      sync.Mutex
	running int8    // lanes that have not gone yet
	end     *ending // nil as long as nothing speaks of an end
}

// prepare takes over what a Spec says.
func (t *Tunnel) prepare(s *Spec) {
	t.owner = s.Owner
	t.frames = s.Frames
	t.idle, t.stall, t.maxAge, t.grace = s.Idle, s.Stall, s.MaxAge, s.Close
	t.running = int8(len(t.lanes))
	t.active.Store(int64(t.now()))
	t.lanes[client].t = t
	t.lanes[endpoint].t = t
	if s.Frames {
		t.keep = newKeepalive(s.Keepalive, t.now())
	}
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
	t.do(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.in(closing) {
			return
		}
		asked := &t.ending().asked
		if at := t.now() + max(after, 0); asked.at == 0 || at < asked.at {
			asked.at, asked.cause = at, c
			t.advance()
		}
	})
}

// Kill ends the tunnel now: both connections are closed without a closing handshake, whatever is
// under way.
func (t *Tunnel) Kill(c Cause) {
	t.do(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.in(severed) {
			return
		}
		t.record(c.Reason, model.ByProxy, nil)
		t.sever()
	})
}

// firstStamp is the stamp of the start: not 0, which stands for "not set".
const firstStamp time.Duration = 1

// peer returns the lane in the other direction.
func (t *Tunnel) peer(l *lane) *lane {
	if l == &t.lanes[client] {
		return &t.lanes[endpoint]
	}
	return &t.lanes[client]
}
