//go:build linux && !portable

package loop_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

// start starts n loops, which end with the test.
func start(t *testing.T, n int) []*loop.Loop {
	t.Helper()
	g, err := loop.Start(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	return g.All()
}

// on does something on a loop and waits for it.
func on(t *testing.T, l *loop.Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Do(func() { f(); close(done) }) {
		t.Fatal("the loop has stopped")
	}
	await(t, done, "the loop does not do what it was asked for")
}

func await[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal(what)
		panic("unreachable")
	}
}

// owner is an owner that is a function.
type owner func(loop.Events)

func (o owner) Ready(e loop.Events) { o(e) }

// pair makes a connection within the kernel: near never blocks. What a test leaves open is closed
// with it.
func pair(t *testing.T) (far *os.File, near int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	far = os.NewFile(uintptr(fds[0]), "far end")
	t.Cleanup(func() { _ = far.Close() })
	return far, fds[1]
}

func write(t *testing.T, f *os.File, text string) {
	t.Helper()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// What many goroutines ask for is done, all of it, and in the order in which each has asked.
func TestTasksOfManyGoroutines(t *testing.T) {
	l := start(t, 1)[0]
	const askers, each = 20, 2000
	var next [askers]int // touched on the loop alone
	var wg sync.WaitGroup
	for i := range askers {
		wg.Go(func() {
			for k := range each {
				l.Do(func() {
					if next[i] != k {
						t.Errorf("task %d of goroutine %d is done when %d were before it", k, i, next[i])
					}
					next[i]++
				})
			}
		})
	}
	wg.Wait()
	on(t, l, func() {
		for i, n := range next {
			if n != each {
				t.Errorf("%d tasks of goroutine %d are done", n, i)
			}
		}
	})
}

// A loop stops while many ask for something: what it took on is done, and what it didn't is not.
func TestNoTaskIsLostWhenALoopStops(t *testing.T) {
	for range 50 {
		g, err := loop.Start(1)
		if err != nil {
			t.Fatal(err)
		}
		l := g.All()[0]
		var taken, done atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for l.Do(func() { done.Add(1) }) {
					taken.Add(1)
				}
			})
		}
		for taken.Load() == 0 {
			time.Sleep(10 * time.Microsecond)
		}
		g.Stop()
		wg.Wait()
		if taken.Load() != done.Load() {
			t.Fatalf("%d tasks were taken on and %d done", taken.Load(), done.Load())
		}
		if l.Do(func() { t.Error("a task is done after the end") }) {
			t.Error("a task is taken on after the end")
		}
		g.Stop() // once more does no harm
	}
}

// A task may ask for another one, which is done later and not within it.
func TestATaskAsksForAnother(t *testing.T) {
	l := start(t, 1)[0]
	second := make(chan bool, 1)
	on(t, l, func() {
		inFirst := true
		l.Do(func() { second <- inFirst })
		inFirst = false
	})
	if await(t, second, "the second task is not done") {
		t.Error("it is done in the middle of the first")
	}
}

// Two owners that always have more to do take turns, and hold up neither a socket, nor a timer, nor
// a task.
func TestOwnersThatNeverFinishTakeTurns(t *testing.T) {
	l := start(t, 1)[0]
	var turns [2]int
	heard, rang, over := make(chan struct{}), make(chan struct{}), false
	far, near := pair(t)
	var timer loop.Timer
	on(t, l, func() {
		for i := range turns {
			var o owner
			o = func(e loop.Events) {
				if e != 0 {
					t.Errorf("called with events %x", e)
				}
				turns[i]++
				if ahead := turns[0] - turns[1]; ahead < 0 || ahead > 1 {
					t.Errorf("one had %d turns when the other had %d", turns[0], turns[1])
				}
				if !over {
					l.Again(o)
				}
			}
			l.Again(o)
		}
		l.At(&timer, l.Now()+20*time.Millisecond, rings(func() { close(rang) }))
		if err := l.Add(near, owner(func(e loop.Events) {
			if e&unix.EPOLLIN != 0 {
				close(heard)
				l.Close(near)
			}
		})); err != nil {
			t.Error(err)
		}
	})
	write(t, far, "excuse me")
	await(t, heard, "the socket is not heard")
	await(t, rang, "the timer does not fire")
	on(t, l, func() { over = true })
	on(t, l, func() {
		if turns[0] < 10 {
			t.Errorf("only %d turns", turns[0])
		}
	})
}

// rings is an alarm that is a function.
type rings func()

func (r rings) Ring() { r() }

// An owner closes the descriptor of another one, of which the kernel has already reported
// something, and a new connection gets the number at once. It is not told of what came on the old
// one.
func TestADescriptorIsUsedAgainAtOnce(t *testing.T) {
	l := start(t, 1)[0]
	for round := range 200 {
		type told struct {
			who int
			e   loop.Events
		}
		var log []told // touched on the loop alone
		var fars [2]*os.File
		var nears [2]int
		for i := range fars {
			fars[i], nears[i] = pair(t)
		}
		thirdFar, third := pair(t)
		fresh := make(chan loop.Events, 10)
		on(t, l, func() {
			for i := range nears {
				if err := l.Add(nears[i], owner(func(e loop.Events) {
					log = append(log, told{i, e})
					if e&unix.EPOLLIN == 0 {
						return
					}
					other := nears[1-i]
					l.Close(other)
					if err := unix.Dup3(third, other, unix.O_CLOEXEC); err != nil {
						t.Error(err)
					}
					if err := l.Add(other, owner(func(e loop.Events) { fresh <- e })); err != nil {
						t.Error(err)
					}
				})); err != nil {
					t.Error(err)
				}
			}
		})
		on(t, l, func() { log = nil }) // that both are writable
		on(t, l, func() {              // both will be in the next batch of events
			write(t, fars[0], "x")
			write(t, fars[1], "x")
		})
		if e := await(t, fresh, "the new owner is told nothing"); e&unix.EPOLLIN != 0 {
			t.Fatalf("round %d: the new owner is told %x, of a socket that has nothing to read", round, e)
		}
		write(t, thirdFar, "for you")
		if e := await(t, fresh, "the new owner is not told of its own bytes"); e&unix.EPOLLIN == 0 {
			t.Errorf("told %x", e)
		}
		on(t, l, func() {
			if len(log) != 1 {
				t.Errorf("the old owners were told %v, want one event for one of them", log)
			}
			l.Close(nears[0])
			l.Close(nears[1])
		})
		_ = unix.Close(third)
	}
}

// A descriptor can change its owner, and leave without being closed.
func TestADescriptorChangesHands(t *testing.T) {
	l := start(t, 1)[0]
	far, near := pair(t)
	told := make(chan string, 10)
	say := func(who string) loop.Owner {
		return owner(func(e loop.Events) {
			if e&unix.EPOLLIN != 0 {
				told <- who
			}
		})
	}
	on(t, l, func() {
		if err := l.Add(near, say("first")); err != nil {
			t.Error(err)
		}
	})
	write(t, far, "1")
	if who := await(t, told, "nobody is told"); who != "first" {
		t.Error(who)
	}
	on(t, l, func() { l.Replace(near, say("second")) })
	write(t, far, "2")
	if who := await(t, told, "nobody is told"); who != "second" {
		t.Error(who)
	}
	on(t, l, func() { l.Remove(near) })
	write(t, far, "3")
	on(t, l, func() {})
	if len(told) > 0 {
		t.Errorf("%s is told of a descriptor that has left", <-told)
	}
	p := make([]byte, 10)
	if n, errno := loop.Read(near, p); errno != 0 || string(p[:n]) != "123" {
		t.Errorf("it holds %q, %v", p[:n], errno)
	}
	_ = unix.Close(near)
}

// What is no descriptor can't be added, and a number that fails has no owner.
func TestAddFails(t *testing.T) {
	l := start(t, 1)[0]
	on(t, l, func() {
		if err := l.Add(1<<14, owner(func(loop.Events) {})); err == nil {
			t.Error("a number that is no descriptor was added")
		}
		l.Close(1 << 14)
	})
}

// The next tunnel goes to the loop that has the fewest.
func TestTheLeastLoadedLoop(t *testing.T) {
	g, err := loop.Start(3)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	for range 30 {
		g.Least().Join(1)
	}
	g.All()[1].Join(-5)
	for i, l := range g.All() {
		if want := []int64{10, 5, 10}[i]; l.Load() != want {
			t.Errorf("loop %d has %d, want %d", i, l.Load(), want)
		}
	}
	if g.Least() != g.All()[1] {
		t.Error("another one is said to be the least loaded")
	}
}

// Timers on a loop that has nothing else to do: none is early, all come, the first first.
func TestTimersWakeALoop(t *testing.T) {
	l := start(t, 1)[0]
	const timers = 50
	fired := make(chan error, timers)
	var all [timers]loop.Timer
	on(t, l, func() {
		for i := range all {
			at := l.Now() + time.Duration(i)*time.Millisecond
			l.At(&all[i], at, rings(func() {
				if now := l.Now(); now < at {
					fired <- fmt.Errorf("a timer for %s fires at %s", at, now)
				}
				fired <- nil
			}))
		}
		l.At(&all[0], l.Now()+time.Hour, rings(func() { fired <- fmt.Errorf("a timer that was stopped fires") }))
		l.Stop(&all[0])
	})
	for range timers - 1 {
		if err := await(t, fired, "a timer does not fire"); err != nil {
			t.Error(err)
		}
	}
}

// The loop's clock stands still within a round, and never goes back.
func TestClock(t *testing.T) {
	l := start(t, 1)[0]
	last := time.Duration(-1)
	for range 20 {
		on(t, l, func() {
			now := l.Now()
			time.Sleep(time.Millisecond)
			if l.Now() != now {
				t.Error("the clock moves within a round")
			}
			if now <= last {
				t.Errorf("%s after %s", now, last)
			}
			last = now
		})
	}
}

// Loops give back all that they took from the system.
func TestStopLeavesNoDescriptors(t *testing.T) {
	before := descriptors(t)
	for range 10 {
		g, err := loop.Start(4)
		if err != nil {
			t.Fatal(err)
		}
		on(t, g.All()[3], func() {})
		g.Stop()
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
