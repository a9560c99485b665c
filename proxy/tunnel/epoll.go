//go:build linux && !portable

package tunnel

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/model"
)

// Engine moves the bytes of tunnels. This one gives each tunnel to an event loop: an idle tunnel
// costs two descriptors and one struct, and no goroutine.
type Engine struct{ loops *loop.Loops }

// NewEngine starts an event loop per core.
func NewEngine() (*Engine, error) {
	loops, err := loop.Start(0)
	if err != nil {
		return nil, err
	}
	return &Engine{loops}, nil
}

// Loops returns the event loops, for who has sockets on them before there is a tunnel.
func (e *Engine) Loops() *loop.Loops { return e.loops }

// Stop ends the event loops. Tunnels must have ended before.
func (e *Engine) Stop() { e.loops.Stop() }

// carrier is what moves a tunnel.
type carrier struct {
	loop  *loop.Loop
	start time.Duration // the time of the loop's clock that all stamps count from
	timer loop.Timer
	stays bool // the tunnel has settled
}

// Start begins to pass bytes between the two connections of a Spec and returns at once.
func (e *Engine) Start(t *Tunnel, s Spec) {
	l := e.loops.Least()
	l.Join(1)
	t.loop = l
	fromClient, unread, err := detach(s.Client)
	var fromEndpoint wire
	if err == nil {
		s.ClientRest = slices.Concat(s.ClientRest, unread)
		if fromEndpoint, unread, err = detach(s.Endpoint); err != nil {
			_ = unix.Close(int(fromClient.fd))
		}
		s.EndpointRest = slices.Concat(s.EndpointRest, unread)
	}
	if err != nil {
		_, _ = s.Client.Close(), s.Endpoint.Close()
		t.refuse(&s, err)
		return
	}
	t.lanes[client].wire, t.lanes[endpoint].wire = fromClient, fromEndpoint
	started := l.Do(func() {
		if err := t.register(); err != nil {
			l.Close(int(fromClient.fd))
			l.Close(int(fromEndpoint.fd))
			t.refuse(&s, err)
			return
		}
		t.run(&s)
	})
	if !started {
		_, _ = unix.Close(int(fromClient.fd)), unix.Close(int(fromEndpoint.fd))
		t.refuse(&s, errStopped)
	}
}

var errStopped = errors.New("the engine has stopped")

// register puts both connections on the loop.
func (t *Tunnel) register() error {
	for i := range t.lanes {
		if err := t.loop.Add(int(t.lanes[i].fd), &t.lanes[i]); err != nil {
			return err
		}
	}
	return nil
}

// refuse ends a tunnel that could not begin and whose sockets are closed.
func (t *Tunnel) refuse(s *Spec, err error) {
	t.phase.Store(ended) // Close and Kill find nothing
	t.loop.Join(-1)
	s.Owner.TunnelEnded(Result{Reason: model.Lost, By: model.ByProxy, Err: err})
}

// Adopt begins to pass bytes between two sockets, on the goroutine of the loop on which they are
// registered and that counts them as part of its load. Client and Endpoint of the Spec are not
// looked at.
func (t *Tunnel) Adopt(l *loop.Loop, clientSocket, endpointSocket Told, s *Spec) {
	t.loop = l
	for i, socket := range [...]Told{clientSocket, endpointSocket} {
		t.lanes[i].fd = int32(socket.FD)
		l.Replace(socket.FD, &t.lanes[i])
	}
	t.run(s)
	for i, socket := range [...]Told{clientSocket, endpointSocket} {
		if socket.Events != 0 {
			t.lanes[i].Ready(socket.Events)
		}
	}
}

// Told is a socket on a loop, with what the loop has told of it that was not worked off.
type Told struct {
	FD     int
	Events loop.Events
}

// run starts the lanes.
func (t *Tunnel) run(s *Spec) {
	t.start = t.loop.Now() - firstStamp
	t.prepare(s)
	for i := range t.lanes {
		if l := &t.lanes[i]; l.secure != nil {
			l.secure.begin(l)
		}
	}
	t.tick()
	if len(s.ClientRest) > 0 {
		t.lanes[client].deliver(s.ClientRest)
	}
	if len(s.EndpointRest) > 0 {
		t.lanes[endpoint].deliver(s.EndpointRest)
	}
	// What sockets hold is told as an event, but not what TLS has read ahead.
	for i := range t.lanes {
		if l := &t.lanes[i]; l.secure != nil {
			l.pump()
		}
	}
}

// do calls f on the tunnel's loop.
func (t *Tunnel) do(f func()) {
	if t.loop != nil {
		t.loop.Do(f)
	}
}

// now returns the stamp of this round of the loop.
func (t *Tunnel) now() time.Duration { return t.loop.Now() - t.start }

func (t *Tunnel) arm(at time.Duration) { t.loop.At(&t.timer, t.start+at, t) }

func (t *Tunnel) disarm() {
	t.loop.Stop(&t.timer)
	t.loop.Join(-1)
}

// Ring implements loop.Alarm.
func (t *Tunnel) Ring() { t.tick() }

// detach takes the socket out of a connection, which is closed; the socket stays open. unread is
// what was read from it and nobody has seen.
func detach(c net.Conn) (w wire, unread []byte, err error) {
	if secured, ok := c.(*tls.Conn); ok {
		below, ok := secured.NetConn().(*loop.Conn)
		if !ok {
			return w, nil, fmt.Errorf("TLS over a %T, which can't change hands", secured.NetConn())
		}
		w.secure = &secure{conn: secured, below: below}
		c = below.NetConn()
		if named, ok := c.(interface{ NetConn() net.Conn }); ok {
			c = named.NetConn() // it has told who the client is
		}
	} else if handed, ok := c.(interface {
		NetConn() net.Conn
		Unread() []byte
	}); ok {
		c, unread = handed.NetConn(), handed.Unread()
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return w, nil, fmt.Errorf("a %T can't be moved by an event loop", c)
	}
	fd, err := loop.Detach(tcp)
	w.fd = int32(fd)
	return w, unread, err
}

const (
	// settling is how old a tunnel is when its sockets get the options that matter only to those
	// that stay: in a storm of handshakes there are better things to do.
	settling = 10 * time.Second
	// userTimeoutSlack is how much longer than Spec.Stall bytes may stay unacknowledged: an end that
	// is there but doesn't read is given up by the tunnel, which can say why, before the kernel does.
	userTimeoutSlack = 10 * time.Second
)

// settlesAt returns when the tunnel has settled, unless it has.
func (t *Tunnel) settlesAt() (at time.Duration, ok bool) { return firstStamp + settling, !t.stays }

// settle sees to it that ends which vanish without a word are noticed, also while bytes for them
// are under way. Connections that were accepted have probes from the beginning.
func (t *Tunnel) settle() {
	t.stays = true
	for i := range t.lanes {
		l := &t.lanes[i]
		if l.dead {
			continue
		}
		// A socket that refuses an option works without.
		if i == endpoint {
			_ = loop.SetProbes(int(l.fd))
		}
		if t.stall > 0 {
			_ = loop.SetUserTimeout(int(l.fd), t.stall+userTimeoutSlack)
		}
	}
}
