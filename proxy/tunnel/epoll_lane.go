//go:build linux && !portable

package tunnel

import (
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

// share is how often a lane may read before the others of its loop have a turn.
const share = 4

// wire is a lane's source: a socket on the tunnel's loop. The lane in the other direction writes
// to it.
type wire struct {
	fd     int32
	dead   bool // it is closed
	fin    bool // the end of the stream goes out when the outbox is empty
	queued bool // the lane is called again in any case
	ended  bool // the source sends nothing more; what it sent may not be read yet
	bulk   bool // the last frame was spliced, and so may the next one be
	over   bool // the lane reads no more
	left   bool // and has gone
	secure *secure
	out    *outbox // what the socket did not take; nil: it took all
}

// Ready does what events on the lane's socket, or the tunnel's phase, ask for.
func (l *lane) Ready(e loop.Events) {
	if e == 0 {
		l.queued = false
	}
	if e.Has(loop.Readable) && l.secure != nil {
		l.secure.drained = false
	}
	l.ended = l.ended || e.Has(loop.Ended)
	if l.out != nil && (e == 0 || e.Has(loop.Writable)) {
		l.flush()
	}
	if e == 0 || e.Has(loop.Readable) {
		l.pump()
	}
}

// wake lets the lane look at the tunnel's phase, which must be set before.
func (l *lane) wake() {
	if !l.queued {
		l.queued = true
		l.t.loop.Again(l)
	}
}

// pump moves what the source has to give, as far as the destination takes it and the lane's share
// reaches.
func (l *lane) pump() {
	for range share {
		if l.over || !l.obey() {
			l.leave()
			return
		}
		if l.t.peer(l).out != nil || l.unheard() {
			return // goes on when that is flushed
		}
		drained, err := l.move()
		if err != nil {
			l.finish(err)
			l.leave()
			return
		}
		if drained {
			return
		}
	}
	l.wake()
}

// move moves one buffer, and reports whether that was all that there is for now.
func (l *lane) move() (drained bool, err error) {
	if l.dead {
		return false, net.ErrClosed
	}
	if l.maySplice() {
		return l.splice()
	}
	if l.secure != nil {
		buf := l.t.loop.Buffer[:]
		n, drained, err := l.receive(buf)
		if n > 0 {
			l.deliver(buf[:n])
			return drained, nil // an error stays, and so does the end
		}
		return drained, err
	}
	return l.copyPlain()
}

// copyPlain moves one buffer by a read and a write.
func (l *lane) copyPlain() (drained bool, err error) {
	buf := l.t.loop.Buffer[:]
	if l.bulk {
		buf = buf[:bulkHead]
		l.bulk = false // if this is not the head of another large frame
	}
	n, errno := loop.Read(int(l.fd), buf)
	switch {
	case n > 0:
		l.deliver(buf[:n])
		return n < len(buf) && !l.ended, nil
	case errno == 0:
		return false, io.EOF
	case errno == unix.EAGAIN:
		return true, nil
	}
	return false, os.NewSyscallError("read", errno)
}

// leave lets the lane go, once its last word was taken.
func (l *lane) leave() {
	l.over = true
	if l.left || l.t.peer(l).out != nil {
		return
	}
	l.left = true
	l.t.laneLeft()
}

// write passes p on, of which the first theirs bytes are the source's own, and reports whether
// the destination is still there. What it doesn't take at once waits in its outbox, and the lane
// reads no more until that is empty.
func (l *lane) write(p []byte, theirs int) bool {
	if len(p) == 0 {
		return true
	}
	return l.wrote(l.t.peer(l).send(p), theirs)
}

// wrote notes what became of a write.
func (l *lane) wrote(err error, theirs int) bool {
	if err != nil {
		l.shut = true
		l.t.writeFailed(l, err)
		return false
	}
	if theirs > 0 {
		l.t.active.Store(int64(l.t.now()))
		l.bytes.Add(uint64(theirs))
	}
	if l.t.peer(l).out != nil && l.writing.Load() == 0 {
		l.writing.Store(int64(l.t.now()))
		l.t.tick() // the stall is to be noticed
	}
	return true
}

// stallsAt returns when the write that is under way has stalled.
func (l *lane) stallsAt() (at time.Duration, ok bool) {
	w := time.Duration(l.writing.Load())
	return w + l.t.stall, w > 0 && l.t.stall > 0
}

// send writes to the lane's source.
func (l *lane) send(p []byte) error {
	switch {
	case l.dead:
		return net.ErrClosed
	case l.secure != nil:
		return l.seal(p)
	}
	return l.put(p)
}

// put gives the socket what it takes, and the outbox the rest.
func (l *lane) put(p []byte) error {
	if l.out == nil {
		n, errno := loop.Write(int(l.fd), p)
		if errno != 0 && errno != unix.EAGAIN {
			return os.NewSyscallError("write", errno)
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		l.out = newOutbox()
	}
	l.out.add(p)
	return nil
}

// flush gives the socket what waits for it.
func (l *lane) flush() {
	writer := l.t.peer(l)
	empty, err := l.out.flush(int(l.fd))
	if err == nil && !empty {
		return
	}
	l.out.free()
	l.out = nil
	writer.writing.Store(0)
	if err != nil {
		writer.shut = true
		l.t.writeFailed(writer, err)
	} else {
		l.t.active.Store(int64(l.t.now()))
		writer.unstuck()
	}
	if l.fin {
		l.fin = false
		l.shutdown()
	}
	writer.wake()
	if l.secure != nil {
		l.wake() // it may have been unheard
	}
}

// endWrite tells the destination that nothing follows: FIN, or close_notify for TLS. Errors are of
// no use: the end of a connection is noticed where it is read.
func (l *lane) endWrite() { l.t.peer(l).shutdown() }

func (l *lane) shutdown() {
	switch {
	case l.dead:
	case l.out != nil:
		l.fin = true
	case l.secure != nil:
		_ = l.secure.conn.CloseWrite()
		_ = l.putSealed()
	default:
		loop.Shutdown(int(l.fd))
	}
}

// severDst closes the destination under both lanes.
func (l *lane) severDst(reset bool) { l.t.peer(l).sever(reset) }

func (l *lane) sever(reset bool) {
	if l.dead {
		return
	}
	writer := l.t.peer(l)
	if l.out != nil {
		l.out.free()
		l.out = nil
		writer.writing.Store(0)
		writer.shut = true
	}
	if reset {
		_ = unix.SetsockoptLinger(int(l.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	l.t.loop.Close(int(l.fd))
	l.dead = true
	l.wake()
	writer.wake()
}

// closeSrc closes the source when the tunnel has ended, orderly or with a reset.
func (l *lane) closeSrc(reset bool) {
	if l.secure != nil && !l.dead && !reset {
		_ = l.secure.conn.CloseWrite()
		_ = l.putSealed()
	}
	l.sever(reset)
	l.secure = nil
}
