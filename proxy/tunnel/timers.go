package tunnel

import (
	"fmt"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// lastWord bounds the leaving phase: what is still being written then is abandoned.
const lastWord = time.Second

// codeGoingAway is told to clients whose time is up (RFC 6455 section 7.4.1).
const codeGoingAway = 1001

// advance does what is due and arms the timer for what comes next. One timer serves all, and is
// armed for the time at which something could be due if no more byte moved. Bytes only leave
// stamps; when the timer fires too early because of them, it is armed anew.
func (t *Tunnel) advance() {
	for {
		at, act := t.next()
		if act == nil {
			return
		}
		if wait := at - t.now(); wait > 0 {
			t.arm(wait)
			return
		}
		act()
	}
}

func (t *Tunnel) arm(wait time.Duration) {
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, t.tick)
		return
	}
	t.timer.Reset(wait)
}

func (t *Tunnel) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance()
}

// next returns what comes due first, and when; nil when nothing will. What it returns must, when
// done, no longer be returned.
func (t *Tunnel) next() (at time.Duration, act func()) {
	due := func(when time.Duration, do func()) {
		if act == nil || when < at {
			at, act = when, do
		}
	}
	phase := t.phase.Load()
	if phase >= severed {
		return 0, nil
	}
	if phase == leaving {
		return t.leftAt + lastWord, t.sever
	}
	if phase == flowing {
		if t.idle > 0 {
			due(t.lastActive()+t.idle, t.idled)
		}
		if t.maxAge > 0 {
			due(firstStamp+t.maxAge, t.aged)
		}
		if t.asked.at > 0 {
			due(t.asked.at, t.askedNow)
		}
	}
	if t.deadline > 0 {
		due(t.deadline, t.timeUp)
	}
	// Spec.Close of silence ends what an end has begun to leave; an opaque stream may stay
	// half-open, unless an end has broken.
	broken := t.lanes[client].broken != nil || t.lanes[endpoint].broken != nil
	if t.since > 0 && (t.frames || broken) {
		due(max(t.lastActive(), t.since)+t.grace, t.timeUp)
	}
	if t.stall > 0 {
		for i := range t.lanes {
			if l := &t.lanes[i]; l.broken == nil {
				due(l.stallsAt(), func() { t.stalled(l) })
			}
		}
	}
	return at, act
}

// lastActive returns when a byte last moved. A write that is under way began with a read.
func (t *Tunnel) lastActive() time.Duration {
	last := t.active.Load()
	for i := range t.lanes {
		last = max(last, t.lanes[i].writing.Load())
	}
	return time.Duration(last)
}

// stallsAt returns when the write that is under way, or else one that began now, has stalled.
func (l *lane) stallsAt() time.Duration {
	if w := time.Duration(l.writing.Load()); w > 0 {
		return w + l.t.stall
	}
	return l.t.now() + l.t.stall
}

func (t *Tunnel) idled() {
	t.begin(Cause{model.IdleTimeout, codeGoingAway, fmt.Sprintf("idle for %s", brief(t.idle))})
}

func (t *Tunnel) aged() {
	t.begin(Cause{model.MaxAge, codeGoingAway, fmt.Sprintf("open for %s", brief(t.maxAge))})
}

func (t *Tunnel) askedNow() { t.begin(t.asked.cause) }

// stalled gives up the end to which a lane writes. That unblocks the write, and the other lane
// finds its source ended.
func (t *Tunnel) stalled(l *lane) {
	side := t.peer(l).from
	err := fmt.Errorf("the %s took no bytes for %s", side, t.stall)
	l.broken = err
	t.record(model.StallTimeout, model.ByProxy, err)
	t.plan(codeLost, fmt.Sprintf("the %s stopped reading", side))
	t.noteEnding()
	t.endWithin()
	severConn(l.dst, true)
}

// timeUp ends a closing that took too long.
func (t *Tunnel) timeUp() {
	t.leave()
	c, e := &t.lanes[client], &t.lanes[endpoint]
	var silent *lane
	switch {
	case t.grace == 0 || t.result.Err != nil:
	case (e.said || e.heard) && !c.heard && !c.done:
		silent = c
	case c.heard && !e.said && !e.heard && !e.done:
		silent = e
	}
	if silent != nil {
		t.result.Err = fmt.Errorf("the %s did not answer the Close frame within %s", silent.from, t.grace)
	}
}

// wake makes a lane that waits for bytes look at the tunnel's phase, which must be set before.
func (l *lane) wake() { _ = l.src.conn.SetReadDeadline(time.Unix(1, 0)) }

// brief rounds a duration for people.
func brief(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(time.Second)
	}
	return d
}
