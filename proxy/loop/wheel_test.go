//go:build linux && !portable

package loop

import (
	"math/rand/v2"
	"testing"
	"time"
)

// ring is an alarm that is a function.
type ring func()

func (r ring) Ring() { r() }

// day is long for a timer.
const day = 24 * time.Hour

// reach is what the wheel's levels span; later timers are put off.
const reach = Tick << (levels * slotBits)

// timers is how many timers an oracle watches.
const timers = 200

// bench is a wheel beside an oracle, which keeps in a plain list when each timer is due.
type bench struct {
	*testing.T
	rand   *rand.Rand
	wheel  wheel
	now    time.Duration
	timers [timers]Timer
	due    [timers]int64 // the tick at which each must fire; 0: it must not
	fired  int
	last   int64
}

func newBench(t *testing.T, seed uint64, begin time.Duration) *bench {
	b := &bench{T: t, rand: rand.New(rand.NewPCG(seed, 1)), now: begin}
	b.wheel.advance(begin)
	return b
}

// set sets or moves a timer.
func (b *bench) set(i int, at time.Duration) {
	b.wheel.set(&b.timers[i], at, ring(func() { b.ring(i) }))
	b.due[i] = max(int64((at+Tick-1)/Tick), b.wheel.tick+1)
}

func (b *bench) stop(i int) {
	b.wheel.stop(&b.timers[i])
	b.due[i] = 0
}

// ring expects that timer i is due at this very tick, and then does something to others, as those
// do who are told that their time is up.
func (b *bench) ring(i int) {
	if b.due[i] != b.wheel.tick || b.wheel.tick < b.last {
		b.Fatalf("timer %d, due at tick %d, fires at %d, after one at %d", i, b.due[i], b.wheel.tick, b.last)
	}
	if b.timers[i].Set() {
		b.Fatal("a timer that fires is still set")
	}
	b.due[i], b.last = 0, b.wheel.tick
	b.fired++
	for range b.rand.IntN(4) {
		b.change()
	}
}

// change does something to a random timer, be it set or not.
func (b *bench) change() {
	i := b.rand.IntN(len(b.timers))
	if b.rand.IntN(3) == 0 {
		b.stop(i)
		return
	}
	b.set(i, b.now+b.span(reach*3)-2*Tick)
}

// span returns a random time of a random magnitude.
func (b *bench) span(limit time.Duration) time.Duration {
	return time.Duration(b.rand.Int64N(1<<b.rand.IntN(63))) % limit
}

// advance moves time and expects that nothing that was due is left.
func (b *bench) advance(by time.Duration) {
	b.now += by
	b.wheel.advance(b.now)
	for i, due := range &b.due {
		if due > 0 && time.Duration(due)*Tick <= b.now {
			b.Fatalf("timer %d was due at tick %d and did not fire until %d", i, due, b.wheel.tick)
		}
		if b.timers[i].Set() != (due > 0) {
			b.Fatalf("timer %d says that it is set: %v", i, b.timers[i].Set())
		}
	}
}

// next returns when the wheel wants to be looked at, which must not be later than any timer.
func (b *bench) next() (at time.Duration, found bool) {
	at, found = b.wheel.next()
	for i, due := range &b.due {
		if due > 0 && (!found || time.Duration(due)*Tick < at) {
			b.Fatalf("timer %d is due at tick %d, the wheel wants to wait until %s (%v)", i, due, at, found)
		}
	}
	if found && at <= time.Duration(b.wheel.tick)*Tick {
		b.Fatalf("the wheel wants to be looked at again at %s, at tick %d", at, b.wheel.tick)
	}
	return at, found
}

// Whatever is set, moved and stopped, before or while others fire: every timer fires at its tick,
// once, and in the order of time. That must also hold where a level of the wheel, or all of them,
// come to their end.
func TestTimersFireAtTheirTick(t *testing.T) {
	begins := []time.Duration{0, reach - time.Second, 3*reach - time.Hour, 10*365*day + 12345}
	for level := range levels {
		begins = append(begins, Tick<<(level*slotBits)*(slots-1)-10*Tick)
	}
	for seed, begin := range begins {
		b := newBench(t, uint64(seed), begin)
		for range 3000 {
			for range b.rand.IntN(5) {
				b.change()
			}
			switch at, found := b.next(); {
			case found && b.rand.IntN(2) == 0:
				b.advance(at - b.now) // as the loop does it
			default:
				b.advance(b.span(reach))
			}
		}
		if b.fired < 1000 {
			t.Errorf("from %s: only %d timers fired", begin, b.fired)
		}
	}
}

// A loop that sleeps until the wheel's next time, again and again, gets to every timer, and is not
// woken more often than once a level and once for every turn of the highest.
func TestWaitingForOneTimer(t *testing.T) {
	for _, begin := range []time.Duration{0, time.Hour, reach - time.Minute, 7*reach - Tick} {
		for _, after := range []time.Duration{0, 1, Tick, time.Second, time.Minute, time.Hour, day, 30 * day, reach - Tick, reach, 2*reach + 1} {
			b := newBench(t, 1, begin)
			b.set(0, begin+after)
			wakes := 0
			for ; b.fired == 0; wakes++ {
				at, _ := b.next()
				b.wheel.advance(at)
				b.now = at
			}
			if late := b.now - begin - after; late < 0 || late >= Tick && after > 0 {
				t.Errorf("set at %s for %s later, it fires %s too late", begin, after, late)
			}
			if wakes > levels+1+int(after/reach) {
				t.Errorf("%d wakes for a timer after %s", wakes, after)
			}
		}
	}
}

// Timers that are due together may stop and move each other when the first of them fires.
func TestATimerStopsItsNeighbours(t *testing.T) {
	var w wheel
	var timers [3]Timer
	var fired []int
	for i := range timers {
		w.set(&timers[i], time.Second, ring(func() {
			fired = append(fired, i)
			w.stop(&timers[(i+1)%3])
			w.set(&timers[(i+2)%3], 2*time.Second, ring(func() { fired = append(fired, 100) }))
		}))
	}
	w.advance(time.Second)
	if len(fired) != 1 {
		t.Fatalf("%v fired, want one", fired)
	}
	w.advance(time.Hour)
	if len(fired) != 2 || fired[1] != 100 {
		t.Errorf("%v fired", fired)
	}
}

// A timer may set itself again when it fires, even for a time that has passed: it does not fire
// twice at one tick, and so does not keep the loop to itself.
func TestATimerSetsItselfAgain(t *testing.T) {
	var w wheel
	var timer Timer
	fired := 0
	var again ring
	again = func() {
		fired++
		w.set(&timer, 0, again)
	}
	w.set(&timer, 0, again)
	w.advance(10 * Tick)
	if fired != 10 {
		t.Errorf("it fired %d times in 10 ticks", fired)
	}
}

// However far away the next timer is, the kernel can wait for it: it counts milliseconds in 32 bits,
// and what is more than 24 days would be no time at all, or for ever.
func TestWaitingVeryLong(t *testing.T) {
	var l Loop
	l.clock.start()
	if l.timeout() != -1 {
		t.Errorf("a loop without timers waits %d ms", l.timeout())
	}
	var timer Timer
	for _, after := range []time.Duration{0, time.Hour, 30 * day, 45 * day, reach + day} {
		l.At(&timer, after, nil)
		if wait := time.Duration(l.timeout()) * time.Millisecond; wait < min(after, time.Hour)/2 || wait > day {
			t.Errorf("for a timer after %s the loop waits %s", after, wait)
		}
	}
}

func BenchmarkMoveATimer(b *testing.B) {
	var w wheel
	timers := make([]Timer, 100_000)
	for i := range timers {
		w.set(&timers[i], time.Duration(i)*time.Millisecond, nil)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.set(&timers[i%len(timers)], time.Duration(i)*time.Microsecond+time.Minute, nil)
	}
}
