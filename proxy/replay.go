package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// replayed bounds what is kept of the content of a plain request that may be sent again, in bytes.
const replayed = 64 << 10

var errReplaced = errors.New("the request has gone to another endpoint")

// replay is the content of a request, for one attempt after the other. What attempts have read of it
// is read again by the next, unless that is more than the limit.
type replay struct {
	mu    sync.Mutex // held while an attempt reads from the client
	from  io.Reader
	limit int
	seen  []byte
	read  int   // len(seen), or more when lost
	err   error // of from

	lost    atomic.Bool // no other attempt can have all of it
	current *replayAttempt
}

// replayable returns the content of the exchange's request, nil if it has none. It is kept only where
// the route retries requests that an endpoint may have seen.
func (x *exchange) replayable(body io.ReadCloser) *replay {
	if body == nil || body == http.NoBody {
		return nil
	}
	b := &replay{from: body}
	if r := &x.hit.Route.Retries; (r.On != 0 || len(r.Statuses) > 0) && x.repeatable() {
		b.limit = replayed
	}
	return b
}

// again reports whether another attempt can have all of the content.
func (b *replay) again() bool { return b == nil || !b.lost.Load() }

// attempt returns the content for the next attempt and takes it from the one before.
func (b *replay) attempt() io.ReadCloser {
	if b.current != nil {
		_ = b.current.Close()
	}
	b.current = &replayAttempt{all: b}
	return b.current
}

// replayAttempt is the content as one attempt reads it.
type replayAttempt struct {
	all    *replay
	at     int
	closed atomic.Bool // net/http may close it while it writes
}

// Close takes the content away; the client's body stays open.
func (a *replayAttempt) Close() error {
	a.closed.Store(true)
	return nil
}

// Read reads what attempts before have read, and then on.
func (a *replayAttempt) Read(p []byte) (int, error) {
	b := a.all
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case a.closed.Load():
		return 0, errReplaced
	case a.at < len(b.seen):
		n := copy(p, b.seen[a.at:])
		a.at += n
		return n, nil
	case a.at < b.read:
		return 0, errReplaced // it can't be had any more
	case b.err != nil:
		return 0, b.err
	}
	n, err := b.from.Read(p)
	b.err = err
	if err != nil && !errors.Is(err, io.EOF) {
		b.lost.Store(true)
	}
	b.keep(p[:n], a.closed.Load())
	a.at += n
	return n, err
}

// keep keeps what was read, which an attempt that was taken the content away in the meantime can't use.
func (b *replay) keep(p []byte, always bool) {
	b.read += len(p)
	if len(p) == 0 || b.lost.Load() {
		return
	}
	if b.read > b.limit && !always {
		b.lost.Store(true)
		b.seen = nil
		return
	}
	b.seen = append(b.seen, p...)
}
