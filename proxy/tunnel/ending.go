package tunnel

import (
	"fmt"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/model"
)

// The phases of a tunnel. They only ever go forward.
const (
	// flowing: bytes go both ways. One end may have said Close or ended already.
	flowing int32 = iota
	// closing: the proxy wants the tunnel to end and goes through the closing handshake.
	closing
	// leaving: there is nothing more to wait for. Each lane says its last word and goes.
	leaving
	// severed: the connections are closed under the lanes.
	severed
	// ended: the owner is being told.
	ended
)

// codeLost is what one end is told when the other one is lost (RFC 6455 section 7.4.1 and its
// erratum 3227: the server can't fulfil the request).
const codeLost = 1011

// farewell is what the proxy's Close frame says.
type farewell struct {
	code int
	text string
}

// ending is what a tunnel knows of its own end. Most tunnels have none for most of their life.
type ending struct {
	// result is complete but for the counters once its Reason is set.
	result Result
	// asked is a close that was requested for a later time; at is 0 when none was.
	asked struct {
		at    time.Duration
		cause Cause
	}
	// cause is why the proxy closes; nil while it doesn't.
	cause *Cause
	// last is what the proxy would say in a Close frame; nil as long as it has no cause to. The
	// first cause stays.
	last *farewell

	// Stamps; 0 means not set.
	since    time.Duration // the first sign of an end
	deadline time.Duration // by then the closing handshake is over
	leftAt   time.Duration // the beginning of the leaving phase

	broken [2]error // by lane: why its destination took no more
}

// ending returns what is known of the end, from now on.
func (t *Tunnel) ending() *ending {
	if t.end == nil {
		t.end = new(ending)
	}
	return t.end
}

// index returns which of the tunnel's lanes it is.
func (l *lane) index() int {
	if l == &l.t.lanes[client] {
		return client
	}
	return endpoint
}

// broken returns why a lane's destination took no more, nil as long as it does.
func (l *lane) broken() error {
	if l.t.end == nil {
		return nil
	}
	return l.t.end.broken[l.index()]
}

// breaks notes why the destination takes no more. The first cause counts.
func (l *lane) breaks(err error) {
	if b := &l.t.ending().broken[l.index()]; *b == nil {
		*b = err
	}
}

// in reports whether the tunnel has reached a phase.
func (t *Tunnel) in(phase int32) bool { return t.phase.Load() >= phase }

// record notes a cause of the end. The first one counts.
func (t *Tunnel) record(reason model.Reason, by model.Side, err error) {
	if r := &t.ending().result; r.Reason == "" {
		r.Reason, r.By, r.Err = reason, by, err
	}
}

// recordCode notes a Close frame. The first one counts.
func (t *Tunnel) recordCode(code int) {
	if r := &t.ending().result; r.CloseCode == 0 {
		r.CloseCode = code
	}
}

// plan sets what the proxy's Close frame will say, unless that is settled.
func (t *Tunnel) plan(code int, text string) {
	if e := t.ending(); e.last == nil {
		e.last = &farewell{code, text}
	}
}

// endWithin bounds what is left of the tunnel by Spec.Close from now on.
func (t *Tunnel) endWithin() {
	at := t.now() + t.grace
	if e := t.ending(); e.deadline == 0 || at < e.deadline {
		e.deadline = at
	}
}

// noteEnding marks the first sign of an end.
func (t *Tunnel) noteEnding() {
	if e := t.ending(); e.since == 0 {
		e.since = t.now()
	}
}

// begin starts the closing that the proxy itself wants.
func (t *Tunnel) begin(c Cause) {
	t.ending().cause = &c
	t.plan(c.Code, c.Text)
	t.noteEnding()
	t.endWithin()
	t.phase.Store(closing)
	t.lanes[endpoint].wake()
	if !t.frames {
		// With frames the cause counts from the moment its Close frame goes out: an end may
		// still be quicker. Without there is nothing to wait for.
		t.record(c.Reason, model.ByProxy, nil)
		t.lanes[client].wake()
	}
}

// heardClose notes that a Close frame of a lane's source has come and is about to be passed on.
func (t *Tunnel) heardClose(l *lane, code int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.heard = true
	t.record(model.Closed, l.from(), nil)
	t.recordCode(code)
	// Should the other end never answer, this one gets the answer of RFC 6455 section 5.5.1, its
	// own code, from the proxy.
	t.plan(code, "")
	t.noteEnding()
	if t.peer(l).heard {
		t.endWithin()
	}
	t.leaveIfOver()
	t.advance()
}

// sayClose returns what the proxy's Close frame in a lane says, which is about to be sent. It
// reports false when there is none to send.
func (t *Tunnel) sayClose(l *lane) (farewell, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.ending()
	// An end that has gone without a Close frame has nobody left to tell.
	dst := t.peer(l)
	if e.last == nil || dst.done && !dst.heard {
		return farewell{}, false
	}
	l.said = true
	if e.cause != nil {
		t.record(e.cause.Reason, model.ByProxy, nil)
	}
	code := e.last.code
	if !frame.Sendable(code) {
		code = frame.NoStatus
	}
	t.recordCode(code)
	t.endWithin()
	t.advance()
	return *e.last, true
}

// sourceEnded notes that a lane's source sends nothing more, and reports whether the other end
// is to see that as a reset, unless a Close frame can tell it better.
func (t *Tunnel) sourceEnded(l *lane, err error) (reset bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.done = true
	t.noteEnding()
	if t.in(severed) || l.heard {
		return false
	}
	peer := t.peer(l)
	orderly := orderly(err)
	if orderly && peer.broken() != nil {
		// The system reports a reset once, and the writer got it.
		orderly, err = false, peer.broken()
	}
	if orderly {
		err = l.unfinished()
	} else {
		err = fmt.Errorf("lost the %s: %w", l.from(), err)
	}
	if !t.frames && orderly {
		t.record(model.Closed, l.from(), nil)
		return false
	}
	t.record(model.Lost, l.from(), err)
	if l.from() == model.ByEndpoint && !peer.done {
		t.plan(codeLost, "the endpoint went away")
	}
	return !orderly
}

// sourceDone ends the tunnel if a source that has just ended was all it waited for, and reports
// whether it ends.
func (t *Tunnel) sourceDone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveIfOver()
	t.advance()
	return t.in(leaving)
}

// passReset ends the tunnel with a reset towards a lane's destination.
func (t *Tunnel) passReset(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.reset = true
	t.leave()
	t.advance()
}

// writeFailed notes that a lane's destination takes nothing more. Why is found out where that
// end is read: it may have sent a Close frame before it went.
func (t *Tunnel) writeFailed(l *lane, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.breaks(fmt.Errorf("writing to the %s: %w", l.to(), err))
	t.noteEnding()
	t.advance()
}

// leaveIfOver ends the tunnel when the endpoint has ended and the client has, or has said Close.
// The endpoint is waited for, since a server closes TCP first (RFC 6455 section 7.1.1).
func (t *Tunnel) leaveIfOver() {
	c, e := &t.lanes[client], &t.lanes[endpoint]
	if e.done && (c.done || c.heard) {
		t.leave()
	}
}

// leave lets the lanes say their last word and go.
func (t *Tunnel) leave() {
	if t.in(leaving) {
		return
	}
	if c := t.ending().cause; c != nil {
		t.record(c.Reason, model.ByProxy, nil)
	}
	for i := range t.lanes {
		l := &t.lanes[i]
		if err := l.broken(); err != nil {
			t.record(model.Lost, l.to(), err)
		}
	}
	t.ending().leftAt = t.now()
	t.phase.Store(leaving)
	t.lanes[client].wake()
	t.lanes[endpoint].wake()
}

// sever closes the connections under the lanes. An end that doesn't read is reset: the system
// would keep what it has not taken for many minutes.
func (t *Tunnel) sever() {
	t.phase.Store(severed)
	for i := range t.lanes {
		l := &t.lanes[i]
		if l.writing.Load() != 0 {
			l.reset = true
		}
		l.severDst(l.reset)
	}
}

// laneLeft closes the tunnel when the last lane has gone. The client is closed first: towards it
// the proxy is the server (RFC 6455 section 7.1.1).
func (t *Tunnel) laneLeft() {
	t.mu.Lock()
	t.running--
	if t.running > 0 {
		t.mu.Unlock()
		return
	}
	// The timer goes on: closing TLS writes, and a peer that doesn't read would hold it up.
	t.leave()
	t.advance()
	resetClient, resetEndpoint := t.lanes[endpoint].reset, t.lanes[client].reset
	t.mu.Unlock()

	t.lanes[client].closeSrc(resetClient)
	t.lanes[endpoint].closeSrc(resetEndpoint)

	t.mu.Lock()
	t.phase.Store(ended)
	t.disarm()
	result := t.ending().result
	t.mu.Unlock()
	result.ToEndpoint, result.ToClient = t.Traffic()
	t.owner.TunnelEnded(result)
}
