package proxy

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// silence gives an exchange up when no byte of its content moved for too long, whoever is to
// blame: an endpoint that does not answer, a client that stops sending or does not read.
type silence struct {
	limit time.Duration
	begun time.Time
	moved atomic.Int64 // when a byte last did, in nanoseconds since begun

	mu    sync.Mutex
	timer *time.Timer // nil: off
	over  bool        // it was given up, or it has ended
}

var errSilent = errors.New("no byte moved within the idle timeout")

// newSilence begins to listen; giveUp is called once at most, and never after stop. A limit of 0
// is off.
func newSilence(limit time.Duration, giveUp func()) *silence {
	s := &silence{limit: limit, begun: time.Now()}
	if limit > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.timer = time.AfterFunc(limit, func() { s.lapse(giveUp) })
	}
	return s
}

// lapse looks whether it was silent all the time. Bytes only leave a stamp, so that they cost
// little.
func (s *silence) lapse(giveUp func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if left := time.Duration(s.moved.Load()) + s.limit - time.Since(s.begun); left > 0 {
		s.timer.Reset(left)
		return
	}
	s.over = true
	giveUp()
}

// stop ends the listening and reports whether the exchange was given up.
func (s *silence) stop() (gaveUp bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gaveUp = s.over
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return gaveUp
}

// watch counts every byte that is read from the body as a sign of life.
func (s *silence) watch(body io.ReadCloser) *watchedBody {
	return &watchedBody{ReadCloser: body, silence: s}
}

type watchedBody struct {
	io.ReadCloser
	silence *silence
	err     atomic.Pointer[error] // what ended it
}

// Read reads from the body.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.silence.moved.Store(int64(time.Since(b.silence.begun)))
	}
	if err != nil {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// ended reports whether there is nothing more to read. A body that never was has ended.
func (b *watchedBody) ended() bool { return b == nil || b.err.Load() != nil }

// broken reports whether it ended before its end.
func (b *watchedBody) broken() bool {
	if b == nil {
		return false
	}
	err := b.err.Load()
	return err != nil && !errors.Is(*err, io.EOF)
}
