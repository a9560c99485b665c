package tunnel

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/model"
)

// lane is one direction of a tunnel. One goroutine at a time moves it: the only one that reads its
// source, writes its destination and knows where the stream stands. Others wake it, and tell it
// what to do by the tunnel's phase.
type lane struct {
	t *Tunnel
	wire

	follow frame.Follower
	// shut says that nothing may be written to the destination any more: a Close frame or the end
	// of the stream has gone out, or a write has failed. What still comes is read and dropped, so
	// that the sender's end is seen.
	shut bool

	// Guarded by Tunnel.mu:
	heard bool // a Close frame of the source's own has come
	said  bool // a Close frame of the proxy's has gone to the destination
	done  bool // the source has ended
	reset bool // the destination is to be reset rather than closed

	// writing is the stamp at which the write that is under way began; 0: none is.
	writing         atomic.Int64
	bytes, messages atomic.Uint64
}

// from returns the side that the lane comes from.
func (l *lane) from() model.Side {
	if l.index() == client {
		return model.ByClient
	}
	return model.ByEndpoint
}

// to returns the side that the lane leads to.
func (l *lane) to() model.Side { return l.t.peer(l).from() }

// obey does what the tunnel's phase asks for and reports whether the lane goes on.
func (l *lane) obey() bool {
	switch l.t.phase.Load() {
	case flowing:
		l.ask()
		return true
	case closing:
		if !l.t.frames {
			l.endStream()
		} else if l.from() == model.ByEndpoint {
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
	seen := frame.Seen{Boundary: -1}
	if l.t.frames {
		chunk, seen = l.look(chunk)
	}
	if seen.Close {
		// Noted before it is written: the answer to it may come before the write returns.
		l.t.heardClose(l, l.follow.CloseCode())
	}
	if l.shut {
		return
	}
	var ok bool
	switch {
	case seen.Close:
		ok = l.write(chunk[:seen.Boundary], seen.Boundary)
		l.shut = true
	case seen.Boundary < 0:
		ok = l.write(chunk, len(chunk))
	default:
		ok = l.deliverCut(chunk, seen.Boundary)
	}
	if ok && seen.Messages > 0 {
		l.messages.Add(uint64(seen.Messages))
	}
}

// deliverCut passes on a chunk that has a place between two frames, where the proxy may have
// something to say.
func (l *lane) deliverCut(chunk []byte, boundary int) bool {
	if l.mayCut() {
		if last, cut := l.t.sayClose(l); cut {
			return l.writeClose(chunk[:boundary], last)
		}
	}
	if !l.asks() {
		return l.write(chunk, len(chunk))
	}
	return l.write(chunk[:boundary], boundary) && l.writePing() && l.write(chunk[boundary:], len(chunk)-boundary)
}

// look follows the frames of a chunk and takes out what is meant for the proxy alone.
func (l *lane) look(chunk []byte) ([]byte, frame.Seen) {
	if k := l.t.keep; k != nil {
		return k.look(l, chunk)
	}
	return chunk, l.follow.Next(chunk)
}

// mayCut reports whether the stream is to end at its next frame boundary, though its source goes
// on: the client is told first, and its answer is what the endpoint is told.
func (l *lane) mayCut() bool {
	return l.t.phase.Load() == closing && l.from() == model.ByEndpoint
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
	if l.from() == model.ByEndpoint {
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
		l.endWrite()
	}
}

// finish passes the source's end on: by a Close frame where the proxy has one to send, and as
// what it was, end or reset.
func (l *lane) finish(err error) {
	reset := l.t.sourceEnded(l, err)
	l.closeHere()
	if reset && !l.shut {
		l.t.passReset(l)
	} else if !l.t.sourceDone() {
		l.endWrite() // else both connections are closed at once, which says the same
	}
	l.shut = true
}

// unfinished says what the source's end left incomplete, or returns nil.
func (l *lane) unfinished() error {
	switch {
	case !l.t.frames || l.follow.AtBoundary() && !l.follow.Holding():
		return nil
	case l.follow.Lost():
		return fmt.Errorf("the %s sent a frame with an impossible length (RFC 6455 section 5.2)", l.from())
	}
	return fmt.Errorf("the %s ended in the middle of a frame: %w", l.from(), io.ErrUnexpectedEOF)
}

func (l *lane) traffic() model.Traffic {
	return model.Traffic{Bytes: l.bytes.Load(), Messages: l.messages.Load()}
}

// orderly reports whether a source has ended as it should. TLS without close_notify is an end too:
// most WebSocket clients and servers end like this, and frames tell whether something is missing.
func orderly(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
