package tunnel

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/model"
)

// lane is one direction of a tunnel, moved by a goroutine of its own: the only one that reads
// src, writes dst and knows where the stream stands. Others wake it by its read deadline and
// tell it what to do by the tunnel's phase.
type lane struct {
	t    *Tunnel
	from model.Side
	src  source
	dst  net.Conn

	follow frame.Follower
	// shut says that nothing may be written to dst any more: a Close frame or the end of the
	// stream has gone out, or a write has failed. What still comes is read and dropped, so that
	// the sender's end is seen.
	shut bool

	// writing is the stamp at which the write that is under way began; 0: none is.
	writing         atomic.Int64
	bytes, messages atomic.Uint64

	// Guarded by ending.mu:
	heard  bool  // a Close frame of the source's own has come
	said   bool  // a Close frame of the proxy's has gone to dst
	done   bool  // the source has ended
	reset  bool  // dst is to be reset rather than closed
	broken error // why dst took no more
}

func (l *lane) init(t *Tunnel, from model.Side, src, dst net.Conn) {
	l.t, l.from, l.dst = t, from, dst
	l.src.init(src)
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

// obey does what the tunnel's phase asks for and reports whether the lane goes on.
func (l *lane) obey() bool {
	switch l.t.phase.Load() {
	case flowing:
		return true
	case closing:
		if !l.t.frames {
			l.endStream()
		} else if l.from == model.ByEndpoint {
			l.closeHere()
		}
		return true
	case leaving:
		l.closeHere()
	}
	return false
}

// deliver passes a chunk on, as far as the stream goes.
func (l *lane) deliver(chunk []byte) {
	var seen frame.Seen
	if l.t.frames {
		seen = l.follow.Next(chunk)
	}
	if seen.Close {
		// Noted before it is written: the answer to it may come before the write returns.
		l.t.heardClose(l, l.follow.CloseCode())
	}
	if l.shut {
		return
	}
	var last farewell
	cut := false
	if seen.Boundary >= 0 && !seen.Close && l.mayCut() {
		last, cut = l.t.sayClose(l)
	}
	var ok bool
	switch {
	case seen.Close:
		ok = l.write(chunk[:seen.Boundary], seen.Boundary)
		l.shut = true
	case cut:
		ok = l.writeClose(chunk[:seen.Boundary], last)
	default:
		ok = l.write(chunk, len(chunk))
	}
	if ok && seen.Messages > 0 {
		l.messages.Add(uint64(seen.Messages))
	}
}

// mayCut reports whether the stream is to end at its next frame boundary, though its source goes
// on: the client is told first, and its answer is what the endpoint is told.
func (l *lane) mayCut() bool {
	return l.t.frames && l.from == model.ByEndpoint && l.t.phase.Load() == closing
}

// write passes p on, of which the first theirs bytes are the source's own, and reports whether
// all of it was taken.
func (l *lane) write(p []byte, theirs int) bool {
	l.writing.Store(int64(l.t.now()))
	n, err := l.dst.Write(p)
	l.writing.Store(0)
	l.t.active.Store(int64(l.t.now()))
	l.bytes.Add(uint64(min(n, theirs)))
	if err != nil {
		l.shut = true
		l.t.writeFailed(l, err)
	}
	return err == nil
}

// closeHere ends the stream with the proxy's Close frame, if there is one to send and the stream
// stands where a frame may begin.
func (l *lane) closeHere() {
	if !l.t.frames || l.shut || !l.follow.AtBoundary() {
		return
	}
	if last, ok := l.t.sayClose(l); ok {
		l.writeClose(nil, last)
	}
}

// writeClose ends the stream with the proxy's Close frame behind p, which must end at a frame
// boundary. It reports whether all was taken.
func (l *lane) writeClose(p []byte, last farewell) bool {
	out := frame.AppendClose(p[:len(p):len(p)], last.code, last.text, l.maskingKey())
	ok := l.write(out, len(p))
	l.shut = true
	return ok
}

// maskingKey returns a fresh key towards the endpoint, to which the proxy is the client, and nil
// towards the client (RFC 6455 section 5.3).
func (l *lane) maskingKey() *[4]byte {
	if l.from == model.ByEndpoint {
		return nil
	}
	var key [4]byte
	_, _ = rand.Read(key[:]) // never fails, by its contract
	return &key
}

// endStream passes the end of the source's stream on.
func (l *lane) endStream() {
	if !l.shut {
		l.shut = true
		closeWrite(l.dst)
	}
}

// finish passes the source's end on: by a Close frame where the proxy has one to send, and as
// what it was, end or reset.
func (l *lane) finish(err error) {
	reset := l.t.sourceEnded(l, err)
	l.closeHere()
	if reset && !l.shut {
		l.t.passReset(l)
	} else {
		closeWrite(l.dst)
	}
	l.shut = true
	l.t.sourceDone()
}

// unfinished says what the source's end left incomplete, or returns nil.
func (l *lane) unfinished() error {
	switch {
	case !l.t.frames || l.follow.AtBoundary():
		return nil
	case l.follow.Lost():
		return fmt.Errorf("the %s sent a frame with an impossible length (RFC 6455 section 5.2)", l.from)
	}
	return fmt.Errorf("the %s ended in the middle of a frame: %w", l.from, io.ErrUnexpectedEOF)
}

func (l *lane) traffic() model.Traffic {
	return model.Traffic{Bytes: l.bytes.Load(), Messages: l.messages.Load()}
}
