//go:build linux && !portable

package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
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
	loops := s.engine.Loops().All()
	doors := make([]*door, len(loops))
	f := newFeed(address, func() { closeDoors(doors, socket) })
	for i, l := range loops {
		doors[i] = &door{server: s, loop: l, feed: f, peers: doors, socket: socket}
	}
	for _, d := range doors {
		d.loop.Do(d.open)
	}
	return f, nil
}

// closeDoors stops accepting and drops connections on which nothing was asked.
func closeDoors(doors []*door, socket int) {
	var closed sync.WaitGroup
	for _, d := range doors {
		closed.Add(1)
		if !d.loop.Do(func() { d.close(); closed.Done() }) {
			closed.Done()
		}
	}
	closed.Wait()
	_ = unix.Close(socket)
}

// door is where connections come in to one event loop.
type door struct {
	server *Server
	loop   *loop.Loop
	feed   *feed
	peers  []*door // those of all loops
	socket int     // listens, for all of them
	closed bool
	short  bool // of descriptors, and that was told
	pause  loop.Timer
	first  *opening // of those that have not asked for anything yet
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
		d.server.log.Error("an event loop can't accept connections", "error", err)
	}
}

func (d *door) close() {
	d.closed = true
	d.loop.Stop(&d.pause)
	d.loop.Remove(d.socket)
	for o := d.first; o != nil; o = d.first {
		o.drop()
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
			d.short = false
			d.admit(socket, from)
		case unix.EAGAIN:
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
	if !d.short {
		d.short = true
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
	if err := d.loop.Add(socket, o); err != nil {
		_ = unix.Close(socket)
		d.loop.Join(-1)
		d.rest(err)
		return
	}
	o.link()
	d.loop.At(&o.timer, d.loop.Now()+headTimeout, o)
	o.read()
}
