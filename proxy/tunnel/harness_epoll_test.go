//go:build linux && !portable

package tunnel_test

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// The loops wait in the kernel, for real sockets, and no bubble of goroutines holds them. So a story
// has a clock of its own, which is the real one and ahead of it: when all goroutines of the story
// wait, for bytes or for time, and nothing moves in the tunnel, the clock jumps, and the tunnel's
// with it, to just before the next thing that comes due. The wheel does the rest.

// timing is what a story knows of its time.
type timing struct {
	clock *clock // nil: that on the wall
}

// clock is a story's time.
type clock struct {
	tunnel *tunnel.Tunnel
	began  time.Time

	mu       sync.Mutex
	ahead    time.Duration // of the real time
	busy     int           // goroutines of the story that don't wait
	moves    int           // how often one of them has begun or ended to wait
	waiting  []*wait
	sleepers []*sleeper

	stop, stopped chan struct{}
}

// wait is for something else than time.
type wait struct{ isOver func() bool }

type sleeper struct {
	until time.Time
	wake  chan struct{}
}

// inTime tells a story whose time is not real.
func inTime(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	inTimeOver(t, false, spec, tell)
}

// inTimeOnBoth tells it over TCP and over TLS.
func inTimeOnBoth(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Run("bare", func(t *testing.T) { inTimeOver(t, false, spec, tell) })
	t.Run("TLS", func(t *testing.T) { inTimeOver(t, true, spec, tell) })
}

// inTimeTLS tells it over TLS alone.
func inTimeTLS(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	inTimeOver(t, true, spec, tell)
}

func inTimeOver(t *testing.T, secured bool, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	k := &clock{began: time.Now(), busy: 1, stop: make(chan struct{}), stopped: make(chan struct{})}
	s := start(t, func(t testing.TB) (far, near net.Conn) { return k.connection(t, secured) }, spec)
	s.clock, k.tunnel = k, &s.tunnel
	go k.run()
	defer func() { close(k.stop); <-k.stopped }()
	tell(s)
}

// connection is one over loopback whose far end lets the clock know when it waits.
func (k *clock) connection(t testing.TB, secured bool) (far, near net.Conn) {
	t.Helper()
	far, near = plain(t)
	// The kernel would let what waits for a reader grow to 32 MiB, and a flood would find its end.
	if err := errors.Join(far.(*net.TCPConn).SetReadBuffer(64<<10), near.(*net.TCPConn).SetWriteBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
	raw, err := far.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	e := &end{far, raw, k}
	if !secured {
		return e, near
	}
	c := tls.Client(e, &tls.Config{InsecureSkipVerify: true})
	s := tls.Server(loop.NewConn(near, nil), &tls.Config{Certificates: []tls.Certificate{certificate()}})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(c) })
	return c, s
}

// end is the far end of a connection.
type end struct {
	net.Conn
	raw   syscall.RawConn
	clock *clock
}

// Read waits without reading first, so that at any time either the goroutine is busy or the socket
// has something for it.
func (e *end) Read(p []byte) (int, error) {
	if err := e.await(unix.POLLIN, e.raw.Read); err != nil {
		return 0, err
	}
	return e.Conn.Read(p)
}

// Write is as careful.
func (e *end) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if err := e.await(unix.POLLOUT, e.raw.Write); err != nil {
			return n, err
		}
		once := func(fd uintptr) bool {
			var k int
			if k, err = unix.Write(int(fd), p[n:]); k > 0 {
				n += k
			}
			return true
		}
		if failed := e.raw.Write(once); failed != nil {
			return n, failed
		}
		if err == unix.EAGAIN || err == unix.EINTR {
			err = nil
		}
	}
	return n, err
}

// CloseWrite ends the end's own direction.
func (e *end) CloseWrite() error { return e.Conn.(*net.TCPConn).CloseWrite() }

// SetLinger is for resets.
func (e *end) SetLinger(sec int) error { return e.Conn.(*net.TCPConn).SetLinger(sec) }

// await waits until the socket is ready.
func (e *end) await(ready int16, wait func(func(fd uintptr) bool) error) error {
	defer e.clock.waits(func() (over bool) {
		failed := e.raw.Control(func(fd uintptr) { over = isReady(int(fd), ready) })
		return over || failed != nil
	})()
	return wait(func(fd uintptr) bool { return isReady(int(fd), ready) })
}

func isReady(fd int, ready int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: ready}}
	_, _ = unix.Poll(fds, 0)
	return fds[0].Revents != 0
}

// waits says that a goroutine of the story waits until it calls over. isOver reports whether it
// waits for nothing any more, though it may not have woken yet.
func (k *clock) waits(isOver func() bool) (over func()) {
	w := &wait{isOver}
	k.count(-1, func() { k.waiting = append(k.waiting, w) })
	return func() {
		k.count(1, func() { k.waiting = slices.DeleteFunc(k.waiting, func(x *wait) bool { return x == w }) })
	}
}

// count changes how many are busy, and what else f does.
func (k *clock) count(by int, f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy += by
	k.moves++
	f()
}

func (k *clock) now() time.Time { return time.Now().Add(k.ahead) }

// run lets time jump whenever the story waits for that alone.
func (k *clock) run() {
	defer close(k.stopped)
	type state struct {
		moves  int
		up, to model.Traffic
	}
	var last state
	for quiet := 0; ; {
		select {
		case <-k.stop:
			k.wake(k.now().Add(1e6 * time.Hour))
			return
		case <-time.After(time.Millisecond):
		}
		k.tunnel.Settle()
		var now state
		var waits bool
		now.moves, waits = k.quiet(0)
		now.up, now.to = k.tunnel.Traffic()
		if quiet++; !waits || now != last {
			quiet, last = 0, now
		}
		if quiet >= 3 {
			k.jump(now.moves)
			quiet = 0
		}
	}
}

// quiet reports whether all goroutines of the story but so many wait, and for nothing that is there
// already.
func (k *clock) quiet(but int) (moves int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.moves, k.busy == but && !slices.ContainsFunc(k.waiting, func(w *wait) bool { return w.isOver() })
}

// jump moves time on to where the first sleeper wakes, or nearly to what comes due in the tunnel.
func (k *clock) jump(moves int) {
	due, found := k.tunnel.Due()
	k.tunnel.Settle()
	again, _ := k.tunnel.Due()
	// What the tunnel has done before it was asked is seen now.
	if now, waits := k.quiet(0); !waits || now != moves || (due-again).Abs() > time.Second/2 {
		return
	}
	k.mu.Lock()
	by := due - loop.Tick
	for _, s := range k.sleepers {
		if d := s.until.Sub(k.now()); !found || d < by {
			by, found = d, true
		}
	}
	if found && by > 0 {
		k.ahead += by
	}
	k.mu.Unlock()
	if found && by > 0 {
		k.tunnel.Forward(by)
	}
	k.wake(k.now())
}

// wake wakes those who sleep until a time.
func (k *clock) wake(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sleepers = slices.DeleteFunc(k.sleepers, func(s *sleeper) bool {
		due := !s.until.After(now)
		if due {
			k.busy++ // at once: time must not go on before it has woken
			k.moves++
			close(s.wake)
		}
		return due
	})
}

func (k *clock) sleep(d time.Duration) {
	s := &sleeper{wake: make(chan struct{})}
	k.count(-1, func() {
		s.until = k.now().Add(d)
		k.sleepers = append(k.sleepers, s)
	})
	<-s.wake
}

func (s *story) now() time.Time {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	return s.clock.now()
}

func (s *story) sleep(d time.Duration) { s.clock.sleep(d) }

// settle returns when nothing moves any more.
func (s *story) settle() {
	for still, last := 0, [2]model.Traffic{}; still < 5; still++ {
		time.Sleep(time.Millisecond)
		s.tunnel.Settle()
		var now [2]model.Traffic
		now[0], now[1] = s.tunnel.Traffic()
		if _, others := s.clock.quiet(1); !others || now != last {
			still, last = 0, now
		}
	}
}

// awaited waits for something from a channel that has room for it.
func awaited[T any](s *story, c <-chan T) (v T, ok bool) {
	if s.clock != nil {
		isOver := func() bool { return len(c) > 0 }
		defer s.clock.waits(isOver)()
		for end := time.Now().Add(s.patience); !isOver() && time.Now().Before(end); {
			time.Sleep(time.Millisecond / 4)
		}
	}
	select {
	case v = <-c:
		return v, true
	case <-time.After(s.patience):
		return v, false
	}
}

// alongside lets something happen beside the rest of the story; join waits for its end.
func (s *story) alongside(f func()) (join func()) {
	done := make(chan struct{}, 1)
	if s.clock == nil {
		go func() { f(); done <- struct{}{} }()
	} else {
		s.clock.count(1, func() {})
		go func() {
			f()
			s.clock.count(-1, func() { done <- struct{}{} })
		}()
	}
	return func() { awaited(s, done) }
}

// timeSince expects that this much time has passed: a few ticks of the wheel more or less, and what
// the story itself has taken.
func (s *story) timeSince(from time.Time, want time.Duration) {
	s.Helper()
	if got := s.now().Sub(from); !s.about(got, want) {
		s.Errorf("after %s, want %s", got, want)
	}
}

// about reports whether a time that was measured is this long, as well as can be told.
func (s *story) about(got, want time.Duration) bool {
	return (got - want).Abs() <= 3*loop.Tick+time.Since(s.clock.began)
}
