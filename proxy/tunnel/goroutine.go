//go:build !linux || portable

package tunnel

import (
	"errors"
	"net"
	"os"
	"time"
)

// Engine moves the bytes of tunnels. This one gives every lane a goroutine that waits in a read:
// it runs wherever Go does, and is what the other one is compared to.
type Engine struct{}

// NewEngine returns an engine. It never fails.
func NewEngine() (*Engine, error) { return new(Engine), nil }

// Stop does nothing: the goroutines end with their tunnels.
func (*Engine) Stop() {}

// carrier is what moves a tunnel.
type carrier struct {
	start time.Time // what all stamps count nanoseconds from
	timer *time.Timer
}

// wire is a lane's hold on its two connections.
type wire struct {
	src source
	dst net.Conn
}

// Start begins to pass bytes between the two connections of a Spec and returns at once.
func (*Engine) Start(t *Tunnel, s Spec) {
	t.start = time.Now()
	t.prepare(&s)
	_ = s.Client.SetDeadline(time.Time{})
	_ = s.Endpoint.SetDeadline(time.Time{})
	t.lanes[client].src.init(s.Client)
	t.lanes[client].dst = s.Endpoint
	t.lanes[endpoint].src.init(s.Endpoint)
	t.lanes[endpoint].dst = s.Client

	t.tick()
	go t.lanes[client].run(s.ClientRest)
	go t.lanes[endpoint].run(s.EndpointRest)
}

// do calls f where it may change the tunnel: here, any goroutine will do.
func (t *Tunnel) do(f func()) { f() }

// now returns the stamp of this moment.
func (t *Tunnel) now() time.Duration { return time.Since(t.start) + firstStamp }

// arm lets the tunnel look at a stamp what is due.
func (t *Tunnel) arm(at time.Duration) {
	wait := at - t.now()
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, t.tick)
		return
	}
	t.timer.Reset(wait)
}

func (t *Tunnel) disarm() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

// run moves the lane's bytes until its source or the tunnel ends; rest goes first.
func (l *lane) run(rest []byte) {
	defer l.t.laneLeft()
	if len(rest) > 0 {
		l.deliver(rest)
	}
	for l.obey() {
		chunk, err := l.src.read()
		if len(chunk) > 0 {
			l.deliver(chunk)
		}
		l.src.release()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			// Somebody set a new phase and then woke this lane. In this order: a phase that is
			// set after the deadline is cleared brings a deadline of its own.
			_ = l.src.conn.SetReadDeadline(time.Time{})
		case err != nil:
			l.finish(err)
			return
		}
	}
}

// wake makes a lane that waits for bytes look at the tunnel's phase, which must be set before.
func (l *lane) wake() { _ = l.src.conn.SetReadDeadline(time.Unix(1, 0)) }

// longWrite is longer than a write takes that needs not wait for its reader.
const longWrite = 100 * time.Millisecond

// write passes p on, of which the first theirs bytes are the source's own, and reports whether
// all of it was taken.
func (l *lane) write(p []byte, theirs int) bool {
	if len(p) == 0 {
		return true
	}
	began := l.t.now()
	l.writing.Store(int64(began))
	n, err := l.dst.Write(p)
	if err == nil && l.t.now()-began > longWrite {
		l.unstuck()
	}
	l.writing.Store(0)
	if theirs > 0 {
		l.t.active.Store(int64(l.t.now()))
	}
	l.bytes.Add(uint64(min(n, theirs)))
	if err != nil {
		l.shut = true
		l.t.writeFailed(l, err)
	}
	return err == nil
}

// stallsAt returns when the write that is under way, or else one that began now, has stalled:
// nobody is told when a write begins to block.
func (l *lane) stallsAt() (at time.Duration, ok bool) {
	if w := time.Duration(l.writing.Load()); w > 0 {
		return w + l.t.stall, l.t.stall > 0
	}
	return l.t.now() + l.t.stall, l.t.stall > 0
}

func (l *lane) endWrite() { closeWrite(l.dst) }

func (l *lane) severDst(reset bool) { severConn(l.dst, reset) }

func (l *lane) closeSrc(reset bool) { closeConn(l.src.conn, reset) }

// settlesAt says that there is nothing to settle: package net has set the options that matter.
func (t *Tunnel) settlesAt() (at time.Duration, ok bool) { return 0, false }

func (t *Tunnel) settle() {}
