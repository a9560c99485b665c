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

// event is something that comes due; lane says where, for those that concern one.
type event struct {
	what
	lane int
}

type what uint8

const (
	nothing    what = iota
	settled         // the tunnel is here to stay
	idled           // no byte moved for Spec.Idle
	aged            // the tunnel is Spec.MaxAge old
	askedFor        // a close was requested for this time
	timeUp          // a closing took too long
	abandoned       // what was to be said last can't be said
	stalled         // a write was blocked for Spec.Stall
	silent          // nothing came from an end for Keepalive.Interval
	unanswered      // nor for Keepalive.Timeout after a Ping
)

// advance does what is due and arms the timer for what comes next. One timer serves all, and is
// armed for the time at which something could be due if no more byte moved. Bytes only leave
// stamps; when the timer fires too early because of them, it is armed anew.
func (t *Tunnel) advance() {
	for {
		at, next := t.next()
		if next.what == nothing {
			return
		}
		if at > t.now() {
			t.arm(at)
			return
		}
		t.happen(next)
	}
}

// tick is advance for who does not hold mu.
func (t *Tunnel) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance()
}

// next returns what comes due first, and when. Once it has happened it must not come due again.
func (t *Tunnel) next() (at time.Duration, first event) {
	due := func(when time.Duration, e event) {
		if e.what != nothing && (first.what == nothing || when < at) {
			at, first = when, e
		}
	}
	switch phase := t.phase.Load(); {
	case phase >= severed:
		return 0, event{}
	case phase == leaving:
		return t.ending().leftAt + lastWord, event{what: abandoned}
	case phase == flowing:
		t.nextFlowing(due)
	}
	if t.end != nil {
		t.nextEnding(due)
	}
	for i := range t.lanes {
		if stalls, soon := t.lanes[i].stallsAt(); soon && t.lanes[i].broken() == nil {
			due(stalls, event{stalled, i})
		}
	}
	return at, first
}

// nextFlowing considers what would begin an end.
func (t *Tunnel) nextFlowing(due func(time.Duration, event)) {
	if t.idle > 0 {
		due(t.lastActive()+t.idle, event{what: idled})
	}
	if t.maxAge > 0 {
		due(firstStamp+t.maxAge, event{what: aged})
	}
	if at, ok := t.settlesAt(); ok {
		due(at, event{what: settled})
	}
	if t.end != nil && t.end.asked.at > 0 {
		due(t.end.asked.at, event{what: askedFor})
	}
	// Whoever has said Close or ended answers no more. Spec.Close bounds such a tunnel.
	if t.keep != nil && (t.end == nil || t.end.since == 0) {
		for i := range t.lanes {
			due(t.nextAsk(i))
		}
	}
}

// nextEnding considers what bounds an end that has begun.
func (t *Tunnel) nextEnding(due func(time.Duration, event)) {
	e := t.end
	if e.deadline > 0 {
		due(e.deadline, event{what: timeUp})
	}
	// Spec.Close of silence ends what an end has begun to leave; an opaque stream may stay
	// half-open, unless an end has broken.
	if e.since > 0 && (t.frames || e.broken != [2]error{}) {
		due(max(t.lastActive(), e.since)+t.grace, event{what: timeUp})
	}
}

// happen does what has come due.
func (t *Tunnel) happen(e event) {
	switch e.what {
	case settled:
		t.settle()
	case idled:
		t.begin(Cause{model.IdleTimeout, codeGoingAway, fmt.Sprintf("idle for %s", brief(t.idle))})
	case aged:
		t.begin(Cause{model.MaxAge, codeGoingAway, fmt.Sprintf("open for %s", brief(t.maxAge))})
	case askedFor:
		t.begin(t.end.asked.cause)
	case timeUp:
		t.timeUp()
	case abandoned:
		t.sever()
	case stalled:
		side := t.lanes[e.lane].to()
		t.giveUp(&t.lanes[e.lane], model.StallTimeout, fmt.Sprintf("the %s stopped reading", side),
			fmt.Errorf("the %s took no bytes for %s", side, t.stall))
	case silent:
		t.ask(e.lane)
	case unanswered:
		t.unanswered(e.lane)
	}
}

// lastActive returns when a byte last moved. A write that is under way began with a read.
func (t *Tunnel) lastActive() time.Duration {
	last := t.active.Load()
	for i := range t.lanes {
		last = max(last, t.lanes[i].writing.Load())
	}
	return time.Duration(last)
}

// giveUp drops the end to which a lane writes and tells the other one. A write that is blocked is
// so no longer, and the other lane finds its source ended.
func (t *Tunnel) giveUp(l *lane, reason model.Reason, text string, err error) {
	l.breaks(err)
	t.record(reason, model.ByProxy, err)
	t.plan(codeLost, text)
	t.noteEnding()
	t.endWithin()
	l.severDst(true)
}

// timeUp ends a closing that took too long.
func (t *Tunnel) timeUp() {
	t.leave()
	c, e := &t.lanes[client], &t.lanes[endpoint]
	result := &t.ending().result
	var silent *lane
	switch {
	case t.grace == 0 || result.Err != nil:
	case (e.said || e.heard) && !c.heard && !c.done:
		silent = c
	case c.heard && !e.said && !e.heard && !e.done:
		silent = e
	}
	if silent != nil {
		result.Err = fmt.Errorf("the %s did not answer the Close frame within %s", silent.from(), t.grace)
	}
}

// brief rounds a duration for people.
func brief(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(time.Second)
	}
	return d
}
