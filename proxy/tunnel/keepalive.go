package tunnel

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/model"
)

// keepalive asks ends that have gone silent whether they are still there. What concerns an end is
// kept by the index of the lane that comes from it; the Ping goes out in the other lane.
type keepalive struct {
	Keepalive
	ends [2]asked
}

// asked is what the proxy knows of an end that it may ask.
type asked struct {
	heard atomic.Int64 // the stamp at which it last gave a sign of life
	due   atomic.Bool  // the other lane shall write a Ping
	sent  atomic.Int64 // the stamp of the last Ping; 0: none was sent
	// token is the payload of the last Ping, until its Pong has come; 0: none is awaited.
	token atomic.Uint64
	out   []byte // what is passed on while a Pong is awaited
}

// newKeepalive returns nil when nobody is to be asked.
func newKeepalive(k Keepalive, now time.Duration) *keepalive {
	if k.Interval <= 0 || !k.Client && !k.Endpoint {
		return nil
	}
	keep := &keepalive{Keepalive: k}
	for i := range keep.ends {
		keep.ends[i].heard.Store(int64(now))
	}
	return keep
}

// end returns what is known of the end that a lane comes from.
func (k *keepalive) end(l *lane) *asked { return &k.ends[l.index()] }

// asks reports whether the lane is to write a Ping at its next frame boundary. As long as its
// destination doesn't read, nothing is heaped up for it.
func (l *lane) asks() bool {
	k := l.t.keep
	return k != nil && !l.shut && l.writing.Load() == 0 && k.end(l.t.peer(l)).due.Load()
}

// ask writes the Ping that is due, if the stream stands where a frame may begin.
func (l *lane) ask() {
	if l.asks() && l.follow.AtBoundary() {
		l.writePing()
	}
}

// writePing asks the lane's destination. Its own bytes are none of the source's.
func (l *lane) writePing() bool {
	a := l.t.keep.end(l.t.peer(l))
	token := rand.Uint64() | 1 // never 0, which stands for none
	a.token.Store(token)
	a.sent.Store(int64(l.t.now()))
	a.due.Store(false)
	ok := l.write(frame.AppendPing(nil, token, l.maskingKey()), 0)
	l.t.tick()
	return ok
}

// heardFrom notes that something came from the lane's source.
func (l *lane) heardFrom() {
	k := l.t.keep
	if k == nil {
		return
	}
	a := k.end(l)
	awaited := a.sent.Load() > a.heard.Load()
	a.heard.Store(int64(l.t.now()))
	if awaited {
		// The timer stands where nothing would have come for Timeout: the next Ping may be due before.
		l.t.tick()
	}
}

// unstuck notes that a write which had to wait went through. Who took it is there, and what the
// source has said meanwhile is read only now.
func (l *lane) unstuck() {
	if k := l.t.keep; k != nil {
		for i := range k.ends {
			k.ends[i].heard.Store(int64(l.t.now()))
		}
	}
}

// look follows the frames of a chunk, notes that its end is alive and takes out the Pong that
// answers the proxy.
func (k *keepalive) look(l *lane, chunk []byte) ([]byte, frame.Seen) {
	a := k.end(l)
	l.heardFrom()
	token := a.token.Load()
	if token == 0 && !l.follow.Holding() {
		return chunk, l.follow.Next(chunk)
	}
	var seen frame.Seen
	var answered bool
	a.out, seen, answered = l.follow.Filter(a.out[:0], chunk, token)
	chunk = a.out
	if answered {
		a.token.Store(0)
		a.out = nil // chunk still has it
		l.t.owner.TunnelPonged(l.from(), l.t.now()-time.Duration(a.sent.Load()))
	}
	return chunk, seen
}

// nextAsk returns when an end is to be asked, or has not answered.
func (t *Tunnel) nextAsk(i int) (at time.Duration, what event) {
	k := t.keep
	if i == client && !k.Client || i == endpoint && !k.Endpoint {
		return 0, event{}
	}
	a := &k.ends[i]
	heard, sent := time.Duration(a.heard.Load()), time.Duration(a.sent.Load())
	switch {
	case a.due.Load():
		return 0, event{} // it has not gone out yet: a busy lane comes to a boundary, a stalled one to its end
	case t.lanes[i].writing.Load() > 0:
		// What it sends is not read as long as the other end doesn't take it, nor would an answer be.
		return t.now() + k.Interval, event{silent, i}
	case sent > heard && k.Timeout > 0:
		return sent + k.Timeout, event{unanswered, i}
	case sent > heard:
		return sent + k.Interval, event{silent, i}
	}
	return heard + k.Interval, event{silent, i}
}

// ask lets the lane that leads to an end write a Ping.
func (t *Tunnel) ask(i int) {
	t.keep.ends[i].due.Store(true)
	t.peer(&t.lanes[i]).wake()
}

// unanswered gives up an end that has not answered.
func (t *Tunnel) unanswered(i int) {
	side := t.lanes[i].from()
	t.giveUp(t.peer(&t.lanes[i]), model.KeepaliveTimeout, fmt.Sprintf("the %s stopped answering", side),
		fmt.Errorf("the %s sent nothing for %s after a Ping", side, t.keep.Timeout))
}
