//go:build linux && !portable

package loop

import (
	"math/bits"
	"time"
)

// The wheel has levels of 64 slots. A slot of the lowest is one tick, one of each next level spans
// all of the level below. Timers stand in the slot of their time on the lowest level that reaches
// so far, and move down as their time comes near.
const (
	// Tick is the resolution of timers.
	Tick = 4 * time.Millisecond

	slotBits = 6
	slots    = 1 << slotBits
	levels   = 5 // 64 to the power of 5 ticks are 49 days; what lies beyond is put off once more
)

// Alarm is told when its timer fires, on the goroutine of the loop.
type Alarm interface{ Ring() }

// Timer fires once. The zero value is stopped. It must not be copied while it is set.
type Timer struct {
	next, prev *Timer
	tick       int64
	alarm      Alarm
	slot       uint16 // 1 + level*slots + index; 0: the timer is stopped
}

// Set reports whether the timer will fire.
func (t *Timer) Set() bool { return t.slot != 0 }

// wheel holds the timers of a loop.
type wheel struct {
	tick  int64 // all timers up to this one have fired
	slots [levels][slots]*Timer
	used  [levels]uint64 // a bit for each slot that is not empty
}

// put files a timer by its tick, which lies ahead.
func (w *wheel) put(t *Timer) {
	level, shift := 0, 0
	ahead := t.tick ^ w.tick // the highest bit that differs says how far up it belongs
	for ahead >= slots && level < levels-1 {
		ahead >>= slotBits
		shift += slotBits
		level++
	}
	// What is out of reach of the highest level waits in the slot that comes last.
	i := int(min(t.tick>>shift, w.tick>>shift+slots-1)) & (slots - 1)
	t.slot = uint16(1 + level*slots + i)
	head := &w.slots[level][i]
	t.prev, t.next = nil, *head
	if t.next != nil {
		t.next.prev = t
	}
	*head = t
	w.used[level] |= 1 << i
}

// set files a timer for a time, which may have passed.
func (w *wheel) set(t *Timer, at time.Duration, a Alarm) {
	w.stop(t)
	t.alarm = a
	t.tick = max(int64((at+Tick-1)/Tick), w.tick+1)
	w.put(t)
}

// stop stops a timer; one that is not set stays as it is.
func (w *wheel) stop(t *Timer) {
	if t.slot == 0 {
		return
	}
	level, i := int(t.slot-1)/slots, int(t.slot-1)%slots
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else if w.slots[level][i] = t.next; t.next == nil {
		w.used[level] &^= 1 << i
	}
	t.next, t.prev, t.slot = nil, nil, 0
}

// next returns when the wheel has something to do next, which may be no more than to move timers
// down a level.
func (w *wheel) next() (at time.Duration, found bool) {
	tick, found := w.nextTick()
	return time.Duration(tick) * Tick, found
}

func (w *wheel) nextTick() (tick int64, found bool) {
	for level, shift := 0, 0; level < levels; level, shift = level+1, shift+slotBits {
		if w.used[level] == 0 {
			continue
		}
		at := w.tick >> shift
		i := int(at) & (slots - 1)
		// Slots up to i lie behind; those of this turn are behind i, those before i are for the next.
		turn := bits.RotateLeft64(w.used[level], -(i + 1))
		t := (at + 1 + int64(bits.TrailingZeros64(turn))) << shift
		if !found || t < tick {
			tick, found = t, true
		}
	}
	return tick, found
}

// advance fires what is due.
func (w *wheel) advance(now time.Duration) {
	end := int64(now / Tick)
	for w.tick < end {
		next, found := w.nextTick()
		if !found || next > end {
			w.tick = end
			return
		}
		w.tick = next
		w.turn()
	}
}

// turn works off the slots that begin with the current tick, those of higher levels first, since
// their timers move down into lower ones.
func (w *wheel) turn() {
	for level := levels - 1; level >= 0; level-- {
		shift := level * slotBits
		if w.tick&(1<<shift-1) != 0 {
			continue
		}
		i := int(w.tick>>shift) & (slots - 1)
		for t := w.slots[level][i]; t != nil; t = w.slots[level][i] {
			w.stop(t)
			if t.tick <= w.tick {
				t.alarm.Ring()
			} else {
				w.put(t)
			}
		}
	}
}
