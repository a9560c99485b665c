//go:build linux

package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// waitMillis is the longest wait for events, and so how late a message can be that is due.
	waitMillis = 1
	// turnBytes is what a connection may move before the next one has its turn.
	turnBytes = 256 << 10
)

// source is a descriptor in a Loop.
type source interface {
	// turn is told the epoll events that came, or none when it asked for another turn itself.
	turn(events uint32)
}

// Loop waits for descriptors and gives each its turn. Everything of a Loop happens on the goroutine
// that calls Run, but Post.
type Loop struct {
	// Spin makes Run poll without ever sleeping: nobody has to be woken, so that proxies don't pay
	// for the waking, and what is due goes out in time. Only for loads that have a core to themselves.
	Spin bool

	epoll, wake int
	events      [512]unix.EpollEvent
	// sources are those waited for, by descriptor; the generation tells events of a closed
	// descriptor from those of the next one with its number.
	sources []entry
	again   []source
	buffer  []byte // what is being read; nobody keeps it

	mu     sync.Mutex
	posted []func()
}

type entry struct {
	source     source
	generation int32
}

// NewLoop opens a loop, to be closed.
func NewLoop() (*Loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	l := &Loop{epoll: epoll, wake: wake, buffer: make([]byte, turnBytes)}
	if err := l.add(wake, waker{l}); err != nil {
		return nil, err
	}
	return l, nil
}

// Close closes every descriptor in the loop, and the loop.
func (l *Loop) Close() {
	for fd, e := range l.sources {
		if e.source != nil {
			_ = unix.Close(fd)
		}
	}
	l.sources = nil
	_ = unix.Close(l.epoll)
}

// Post has f called by Run.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(l.wake, one[:])
}

// waker calls what was posted.
type waker struct{ *Loop }

func (w waker) turn(uint32) {
	var counter [8]byte
	_, _ = unix.Read(w.wake, counter[:])
	w.mu.Lock()
	posted := w.posted
	w.posted = nil
	w.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// add waits for everything about fd from now on, edge-triggered.
func (l *Loop) add(fd int, s source) error {
	for fd >= len(l.sources) {
		l.sources = append(l.sources, make([]entry, max(1024, len(l.sources)))...)
	}
	e := &l.sources[fd]
	e.source = s
	e.generation++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd), Pad: e.generation}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// close forgets fd and closes it.
func (l *Loop) close(fd int) {
	l.sources[fd].source = nil
	_ = unix.Close(fd)
}

// later gives s another turn after everybody else's.
func (l *Loop) later(s source) { l.again = append(l.again, s) }

// Run gives turns until step returns false, which is called before each wait, or ctx is done.
func (l *Loop) Run(ctx context.Context, step func() bool) error {
	for step() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := l.wait()
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		again := l.again
		l.again = nil
		for i := range l.events[:n] {
			event := &l.events[i]
			if e := l.sources[event.Fd]; e.source != nil && e.generation == event.Pad {
				e.source.turn(event.Events)
			}
		}
		for _, s := range again {
			s.turn(0)
		}
	}
	return nil
}

// wait waits for events; it sleeps only where it may.
func (l *Loop) wait() (int, error) {
	if l.Spin || len(l.again) > 0 {
		return poll(l.epoll, l.events[:])
	}
	n, err := unix.EpollWait(l.epoll, l.events[:], waitMillis)
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, err
}
