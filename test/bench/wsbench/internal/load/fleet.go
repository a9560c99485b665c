//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// openTimeout bounds the time until all sockets of a fleet are open.
const openTimeout = 60 * time.Second

// fleet is the sockets of a mode.
type fleet struct {
	loop    *Loop
	subject Subject
	user    user
	head    []byte
	deaf    bool // sockets read nothing behind their handshake
	sockets []*socket

	dialed  int           // sockets ever dialled, for their client addresses
	slots   chan struct{} // of TLS handshakes at once
	dialing sync.WaitGroup
}

// newFleet is a fleet without a socket. At most so many TLS handshakes run at once.
func newFleet(g Rig, path string, atOnce int) *fleet {
	return &fleet{loop: g.Loop, subject: g.Subject, head: wire.Request(Host, path), slots: make(chan struct{}, atOnce)}
}

// dial begins to open the socket of an index, which is told to the user.
func (f *fleet) dial(ctx context.Context, index int) {
	s := &socket{link: link{loop: f.loop, fd: -1}, user: f.user, head: f.head, index: index}
	for index >= len(f.sockets) {
		f.sockets = append(f.sockets, nil)
	}
	f.sockets[index] = s
	f.dialed++
	if f.subject.TLS {
		n := f.dialed
		f.dialing.Go(func() { f.dialSecure(ctx, s, n) })
		return
	}
	fd, err := connect(unix.SockaddrInet4{Addr: f.subject.Address.Addr().As4(), Port: int(f.subject.Address.Port())}, f.dialed)
	f.adopt(s, fd, err)
}

// dialSecure makes the TLS handshake outside of the loop and hands the socket in.
func (f *fleet) dialSecure(ctx context.Context, s *socket, n int) {
	f.slots <- struct{}{}
	fd, layer, err := detach(ctx, f.subject.Address, n)
	<-f.slots
	f.loop.Post(func() {
		s.secure = layer
		f.adopt(s, fd, err)
	})
}

// adopt takes a descriptor into the loop; from now on the socket's turns come.
func (f *fleet) adopt(s *socket, fd int, err error) {
	if err == nil {
		s.fd = fd
		err = f.loop.add(fd, s)
	}
	if err != nil {
		s.close()
		f.loop.Post(func() { s.user.closed(s, err) }) // not inside of dial
	}
}

// close closes all sockets, once no TLS handshake hands one in any more.
func (f *fleet) close() {
	f.dialing.Wait()
	waker{f.loop}.turn(0)
	for _, s := range f.sockets {
		s.close()
	}
}

// opener is a user that opens sockets, a bounded number at once.
type opener struct {
	fleet       *fleet
	want        int
	begun, open int
	failed      int
	err         error // of the first that failed
}

func (o *opener) opened(s *socket) {
	s.deaf = o.fleet.deaf
	o.open++
}

func (o *opener) data(_ *socket, b []byte) int { return len(b) }

func (o *opener) closed(_ *socket, err error) {
	o.failed++
	o.err = errors.Join(o.err, err)
}

// open opens so many sockets and gives them to the user; it fails when one of them does.
func (f *fleet) open(ctx context.Context, want int, u user) error {
	const atOnce = 128 // what no peer's queue of waiting connections is too short for
	o := &opener{fleet: f, want: want}
	f.user = o
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout, fmt.Errorf("%d sockets were not open within %s", want, openTimeout))
	defer cancel()
	spin := f.loop.Spin
	f.loop.Spin = spin && !f.subject.TLS // TLS handshakes need the core
	defer func() { f.loop.Spin = spin }()
	err := f.loop.Run(ctx, func() bool {
		for o.begun < want && o.begun-o.open < atOnce {
			f.dial(ctx, o.begun)
			o.begun++
		}
		return o.open < want && o.err == nil
	})
	if err = errors.Join(err, o.err); err != nil {
		return fmt.Errorf("%d of %d sockets open: %w", o.open, want, err)
	}
	f.user = u
	for _, s := range f.sockets {
		s.user = u
	}
	return nil
}

// Subject is a proxy that is measured.
type Subject struct {
	Address netip.AddrPort
	TLS     bool
	// CPU is the time that its processes have run.
	CPU func() (time.Duration, error)
	// Busy is how long the cores of the proxy and the load were not idle; nil: they have none of their own.
	Busy func() (time.Duration, error)
	// Memory is the proportional set size of its processes, in bytes.
	Memory func() (int64, error)
	// Charged is what its memory cgroup counts, in bytes; nil: it has none.
	Charged func() (int64, error)
	// Peak is the most that it has counted so far; nil: it has none.
	Peak func() (int64, error)
	// Descriptors is how many its processes hold.
	Descriptors func() (int, error)
	// Publish changes its configuration and returns when the change is served; nil: it can't.
	Publish func(ctx context.Context, n int) error
}
