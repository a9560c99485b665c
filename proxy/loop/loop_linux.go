//go:build linux && !portable

package loop

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// BufferSize is the size of the buffer that the owners on a loop share.
	BufferSize = 64 << 10
	// maxEvents is how many events are taken from the kernel at a time.
	maxEvents = 256
	// maxWait keeps the time to wait, in milliseconds, within the 32 bits that the kernel has for it.
	maxWait = 24 * time.Hour
)

// Events says what has changed on a descriptor.
type Events uint32

const (
	// Readable says that there is something to read, be it an end or an error.
	Readable Events = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	// Writable says that there is room to write, or that writing fails now.
	Writable Events = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
	// Ended says that the other end sends nothing more, or that the connection is broken.
	Ended Events = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// Has reports whether any of q is in e.
func (e Events) Has(q Events) bool { return e&q != 0 }

// Owner is told of what happens on a descriptor, always on the goroutine of its loop.
type Owner interface {
	// Ready is called when something has changed; without any Events when the owner asked for it
	// with Again.
	Ready(e Events)
}

// Loop is an event loop. Do, Load and Now are safe on any goroutine, everything else on the loop's
// own alone.
type Loop struct {
	// Buffer is for whoever is being called: what it holds does not outlast the call.
	Buffer [BufferSize]byte
	// Scratch is like Buffer, for what comes out of it; it grows as needed.
	Scratch []byte

	poll   int // the epoll instance
	bell   int // an eventfd, rung by Do
	events [maxEvents]unix.EpollEvent

	owners  []registration // by descriptor
	serial  uint32
	members atomic.Int64
	again   []Owner
	calling []Owner // again, while it is worked off

	clock   clock
	wheel   wheel
	yielded time.Duration // when the scheduler last had a look

	mu       sync.Mutex
	tasks    []func() // guarded by mu
	rung     bool     // guarded by mu: the bell rings, or will not be waited for
	stopping bool     // guarded by mu: no task is taken any more

	done chan struct{}
}

// registration is who owns a descriptor. The serial number tells it from earlier owners.
type registration struct {
	owner  Owner
	serial uint32
}

// start makes a loop and lets it run.
func start() (*Loop, error) {
	l := &Loop{done: make(chan struct{})}
	l.clock.start()
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if l.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), unix.Close(l.poll))
	}
	if err := l.add(l.bell, bell{l}, unix.EPOLLIN|unix.EPOLLET); err != nil {
		return nil, errors.Join(err, unix.Close(l.bell), unix.Close(l.poll))
	}
	go l.run()
	return l, nil
}

// Add makes o the owner of a non-blocking descriptor. What is ready already is told too.
func (l *Loop) Add(fd int, o Owner) error {
	return l.add(fd, o, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// AddListener makes o the owner of a listening socket that may be shared with other loops: for a
// connection that waits only one of them is woken.
func (l *Loop) AddListener(fd int, o Owner) error {
	return l.add(fd, o, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

func (l *Loop) add(fd int, o Owner, events uint32) error {
	l.serial++
	for fd >= len(l.owners) {
		l.owners = append(l.owners, make([]registration, max(64, len(l.owners)/4))...)
	}
	l.owners[fd] = registration{o, l.serial}
	event := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(l.serial)}
	if err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		l.owners[fd] = registration{}
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// Replace gives a registered descriptor a new owner.
func (l *Loop) Replace(fd int, o Owner) { l.owners[fd].owner = o }

// Remove takes a descriptor from its owner, who keeps it open.
func (l *Loop) Remove(fd int) {
	l.owners[fd] = registration{}
	_ = unix.EpollCtl(l.poll, unix.EPOLL_CTL_DEL, fd, nil) // fails for what was closed, which is as good
}

// Close closes a registered descriptor. Its number may be in use again before Close returns; no
// event of the old one reaches the new owner.
func (l *Loop) Close(fd int) {
	if fd < len(l.owners) {
		l.owners[fd] = registration{}
	}
	// Closing takes it out of the epoll instance too: no other descriptor stands for the same socket.
	closeSocket(fd)
}

// Again calls the owner once more, without events, when everybody else had a turn.
func (l *Loop) Again(o Owner) { l.again = append(l.again, o) }

// Do lets the loop call f soon. It reports false, and doesn't, when the loop stops or has stopped.
func (l *Loop) Do(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return false
	}
	l.tasks = append(l.tasks, f)
	if !l.rung {
		l.rung = true
		l.ring()
	}
	return true
}

func (l *Loop) ring() {
	one := [8]byte{1} // a number in the machine's order; any but 0 and the highest will do
	_, _ = unix.Write(l.bell, one[:])
}

// bell owns the eventfd. That it rang is all there is to it, and the edge is gone with the event:
// the counter need not be read.
type bell struct{ l *Loop }

// Ready does nothing: the loop looks for tasks whenever it wakes.
func (bell) Ready(Events) {}

// Load is a number that tells how busy the loop is compared to others: what Join has added.
func (l *Loop) Load() int64 { return l.members.Load() }

// Join adds n to the loop's load. It is safe on any goroutine.
func (l *Loop) Join(n int64) { l.members.Add(n) }

// At lets the timer fire at a time of the loop's clock (see Now), and a be told. A timer that is set
// is moved.
func (l *Loop) At(t *Timer, at time.Duration, a Alarm) { l.wheel.set(t, at, a) }

// Stop stops a timer; one that is not set stays as it is.
func (l *Loop) Stop(t *Timer) { l.wheel.stop(t) }

// Now returns the time of the loop's clock: that at which the current round began.
func (l *Loop) Now() time.Duration { return l.clock.now() }

// run is the loop.
func (l *Loop) run() {
	defer l.exit()
	for last := false; !last; {
		n := l.wait()
		l.clock.update()
		for i := range n {
			e := &l.events[i]
			// An owner that was called before may have closed this descriptor.
			if r := l.owners[e.Fd]; r.serial == uint32(e.Pad) && r.owner != nil {
				r.owner.Ready(Events(e.Events))
			}
		}
		l.callAgain()
		l.wheel.advance(l.clock.now())
		last = l.doTasks()
		l.yield()
	}
}

// slice is how long the loop runs before it lets the scheduler have a look. A goroutine that goes on
// for 10 ms is preempted by a signal, and one that is in system calls most of that time has its
// processor taken away at each of them, by a monitor that then looks every 20 us.
const slice = 8 * time.Millisecond

// yield begins a new slice of time when the last one is used up.
func (l *Loop) yield() {
	if now := l.clock.now(); now-l.yielded >= slice {
		l.yielded = now
		runtime.Gosched()
	}
}

// callAgain calls those who asked for it before this round.
func (l *Loop) callAgain() {
	l.calling, l.again = l.again, l.calling[:0]
	for i, o := range l.calling {
		l.calling[i] = nil
		o.Ready(0)
	}
}

// doTasks does what other goroutines have asked for, and reports whether there will be nothing more.
func (l *Loop) doTasks() (last bool) {
	l.mu.Lock()
	tasks := l.tasks
	l.tasks = nil
	l.rung = false
	last = l.stopping
	l.mu.Unlock()
	for _, f := range tasks {
		f()
	}
	return last
}

// wait returns how many events there are. It blocks as long as there is nothing else to do.
func (l *Loop) wait() int {
	timeout := l.timeout()
	for {
		n, err := l.epollWait(timeout)
		switch err {
		case 0:
			return n
		case unix.EINTR: // the runtime preempts by signals
			return 0
		}
		panic(fmt.Sprintf("epoll_wait: %v", err)) // the loop closed its own descriptor
	}
}

// timeout returns how many milliseconds there is nothing to do but to wait for events, -1 when there
// is no end to it.
func (l *Loop) timeout() int {
	if len(l.again) > 0 {
		return 0
	}
	next, found := l.wheel.next()
	if !found {
		return -1
	}
	wait := min(max(next-l.clock.precise(), 0), maxWait)
	return int((wait + time.Millisecond - 1) / time.Millisecond)
}

// stop ends the loop after the tasks that were asked for before, and waits for it.
func (l *Loop) stop() {
	l.mu.Lock()
	if !l.stopping {
		l.stopping = true
		l.ring()
	}
	l.mu.Unlock()
	<-l.done
}

// exit closes what the loop owns. Owners that are still there are not told.
func (l *Loop) exit() {
	_ = unix.Close(l.bell)
	_ = unix.Close(l.poll)
	close(l.done)
}

// Loops are the event loops of a process.
type Loops struct{ loops []*Loop }

// cores is how many cores the process may use: those of its cgroup, or what GOMAXPROCS says.
var cores = runtime.GOMAXPROCS(0)

// Start starts n loops. 0 stands for one per core that the process may use.
//
// It raises GOMAXPROCS to n+1: a loop that waits in the kernel still has its processor (P) until the
// runtime's monitor takes it away, which costs, and everybody else would wait for that. With one
// to spare they run at once.
func Start(n int) (*Loops, error) {
	if n <= 0 {
		n = cores
	}
	if runtime.GOMAXPROCS(0) <= n {
		runtime.GOMAXPROCS(n + 1)
	}
	g := &Loops{}
	for range n {
		l, err := start()
		if err != nil {
			g.Stop()
			return nil, fmt.Errorf("start an event loop: %w", err)
		}
		g.loops = append(g.loops, l)
	}
	return g, nil
}

// All returns the loops.
func (g *Loops) All() []*Loop { return g.loops }

// Least returns the loop that has the least load.
func (g *Loops) Least() *Loop {
	least := g.loops[0]
	for _, l := range g.loops[1:] {
		if l.Load() < least.Load() {
			least = l
		}
	}
	return least
}

// Stop ends the loops and waits for them. What is registered then is forgotten, not closed.
func (g *Loops) Stop() {
	for _, l := range g.loops {
		l.stop()
	}
}
