//go:build linux && !portable

package proxy

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

const (
	// acceptShare is how many connections a loop accepts before others have their turn.
	acceptShare = 32
	// acceptPause is how long a loop accepts nothing when there are no descriptors left.
	acceptPause = 200 * time.Millisecond
)

// openDoors lets the event loops accept the connections of a listener for plain HTTP. They serve
// ordinary WebSocket handshakes; everything else they hand to whoever accepts from the listener that
// is returned.
func (s *Server) openDoors(l net.Listener) (net.Listener, error) {
	address := l.Addr()
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("event loops can't accept from a %T", l)
	}
	socket, err := loop.DetachListener(tcp)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s.doors = &doors{socket: socket}
	f := newFeed(address, func() { s.doors.close(); s.doors.cut() })
	loops := s.engine.Loops().All()
	all := make([]*door, len(loops))
	for i, l := range loops {
		all[i] = &door{server: s, loop: l, feed: f, peers: all, socket: socket, short: &s.doors.short}
	}
	s.doors.all = all
	for _, d := range all {
		d.loop.Do(d.open)
	}
	return f, nil
}

// closeDoors lets nobody in any more, and waits until the handshakes that have begun are over, or ctx
// is done: to end as they should they may need net/http.
func (s *Server) closeDoors(ctx context.Context) {
	s.http.server.SetKeepAlivesEnabled(false)
	s.doors.close()
	s.await(ctx, func() bool { return s.handshakes.Load() == 0 })
}

// doors are where connections come in to the event loops, one for each.
type doors struct {
	all    []*door
	socket int         // listens, for all of them
	short  atomic.Bool // of descriptors, and that was told
	closed sync.Once
}

// close stops accepting and drops connections on which nothing was asked.
func (all *doors) close() {
	all.closed.Do(func() {
		all.each((*door).close)
		_ = unix.Close(all.socket)
	})
}

// cut ends the handshakes that are still under way.
func (all *doors) cut() { all.each((*door).cut) }

// each does something with every door on its loop.
func (all *doors) each(do func(*door)) {
	var done sync.WaitGroup
	for _, d := range all.all {
		done.Add(1)
		if !d.loop.Do(func() { do(d); done.Done() }) {
			done.Done()
		}
	}
	done.Wait()
}

// door is where connections come in to one event loop.
type door struct {
	server *Server
	loop   *loop.Loop
	feed   *feed
	peers  []*door // those of all loops
	socket int     // listens, for all of them
	closed bool
	short  *atomic.Bool
	pause  loop.Timer
	first  *opening // of those that are neither a tunnel yet nor over
	spare  []*opening
}

const (
	// maxSpare is how many openings wait for their next use: those of a burst.
	maxSpare = 64
	// maxSpareHead is the size up to which an opening keeps its buffer for the client's first bytes.
	maxSpareHead = 4 << 10
)

// opening returns one to begin with.
func (d *door) opening() *opening {
	n := len(d.spare)
	if n == 0 {
		return new(opening)
	}
	o := d.spare[n-1]
	d.spare[n-1] = nil
	d.spare = d.spare[:n-1]
	return o
}

// recycle takes an opening back that has become a tunnel: nobody else holds it, and the loop tells
// it nothing any more.
func (d *door) recycle(o *opening) {
	if len(d.spare) == maxSpare || cap(o.head) > maxSpareHead {
		return
	}
	head, reader := o.head[:0], o.reader
	*o = opening{head: head, reader: reader}
	d.spare = append(d.spare, o)
}

func (d *door) open() {
	if err := d.loop.AddListener(d.socket, d); err != nil {
		d.rest(err)
	}
}

func (d *door) close() {
	d.closed = true
	d.loop.Stop(&d.pause)
	d.loop.Remove(d.socket)
	for o, next := d.first, (*opening)(nil); o != nil; o = next {
		next = o.next
		if o.phase == asking {
			o.drop()
		}
	}
}

func (d *door) cut() {
	for o := d.first; o != nil; o = d.first {
		o.leave(net.ErrClosed)
	}
}

// Ready accepts connections.
func (d *door) Ready(loop.Events) {
	for range acceptShare {
		if d.closed {
			return
		}
		socket, from, errno := loop.Accept(d.socket)
		switch errno {
		case 0:
			d.admit(socket, from)
		case unix.EAGAIN:
			d.short.Store(false)
			return
		case unix.ECONNABORTED:
			// The next one may be better.
		default:
			d.rest(os.NewSyscallError("accept", errno))
			return
		}
	}
}

// rest accepts nothing for a while: the kernel keeps who waits, and asking again would only cost.
func (d *door) rest(err error) {
	if !d.short.Swap(true) {
		d.server.log.Warn("can't accept connections for now: is the limit of open files (ulimit -n) too low?", "error", err)
	}
	d.loop.Remove(d.socket)
	d.loop.At(&d.pause, d.loop.Now()+acceptPause, d)
}

// Ring accepts again.
func (d *door) Ring() {
	if !d.closed {
		d.open()
	}
}

// admit gives a connection to the loop that has the least to do: what the kernel wakes is not fair.
func (d *door) admit(socket int, from netip.AddrPort) {
	least := d
	for _, p := range d.peers {
		if p.loop.Load() < least.loop.Load() {
			least = p
		}
	}
	least.loop.Join(1)
	if least == d {
		least.enter(socket, from)
		return
	}
	if !least.loop.Do(func() { least.enter(socket, from) }) {
		_ = unix.Close(socket)
	}
}

// enter begins to wait for a request.
func (d *door) enter(socket int, from netip.AddrPort) {
	if d.closed {
		_ = unix.Close(socket)
		d.loop.Join(-1)
		return
	}
	o := d.opening()
	o.door, o.socket, o.endpoint, o.from = d, socket, -1, from
	o.announced = d.server.balancers.Expects(from.Addr())
	if err := d.loop.Add(socket, o); err != nil {
		_ = unix.Close(socket)
		d.loop.Join(-1)
		d.rest(err)
		return
	}
	o.link()
	d.loop.At(&o.timer, d.loop.Now()+headTimeout, o)
	o.Ready(unix.EPOLLIN) // what it said is mostly there
}

// link puts the opening into its door's list.
func (o *opening) link() {
	d := o.door
	o.linked, o.next = true, d.first
	if o.next != nil {
		o.next.before = o
	}
	d.first = o
}

func (o *opening) unlink() {
	if !o.linked {
		return
	}
	if o.before != nil {
		o.before.next = o.next
	} else {
		o.door.first = o.next
	}
	if o.next != nil {
		o.next.before = o.before
	}
	o.linked, o.next, o.before = false, nil, nil
}
