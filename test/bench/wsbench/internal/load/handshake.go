//go:build linux

package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// HandshakeParams say how Handshake's clients come.
type HandshakeParams struct {
	AtOnce int
	Resume bool // over TLS: with the ticket of an earlier connection
}

// Handshake connects, upgrades, reads the 101, closes and begins again, so many at once.
func Handshake(ctx context.Context, g Rig, p HandshakeParams) (Figures, error) {
	h := &handshakes{config: clientConfig()}
	if p.Resume {
		h.config.ClientSessionCache = tls.NewLRUClientSessionCache(p.AtOnce)
	}
	var before, done int64
	w := &window{rig: g, begin: func() { before = h.done.Load() }, end: func() { done = h.done.Load() - before }}
	run := h.plain
	if g.TLS {
		run = h.secure
	}
	if err := run(ctx, g, w, p.AtOnce); err != nil {
		return nil, err
	}
	return w.figures(Figures{
		"cpu_us_per_handshake": w.cpuPer(float64(done), time.Microsecond),
		"handshakes_per_s":     w.perSecond(done),
		"failures":             float64(h.failed.Load()),
		"resumed":              float64(h.resumed.Load()),
	}), nil
}

// maxFailures is after how many failed handshakes a measurement says nothing any more.
const maxFailures = 100

// handshakes is the user of Handshake's sockets.
type handshakes struct {
	done, failed atomic.Int64
	resumed      atomic.Int64 // TLS sessions
	config       *tls.Config
	again        func(*socket)
	mu           sync.Mutex
	err          error
}

func (h *handshakes) opened(s *socket) {
	h.done.Add(1)
	s.close()
	h.again(s)
}

func (h *handshakes) data(_ *socket, b []byte) int { return len(b) }

func (h *handshakes) closed(s *socket, err error) {
	h.fail(err)
	h.again(s)
}

func (h *handshakes) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed.Add(1) <= maxFailures {
		h.err = err
	}
}

// failure is an error once too many have failed.
func (h *handshakes) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.failed.Load(); n > maxFailures {
		return fmt.Errorf("%d handshakes failed, lately: %w", n, h.err)
	}
	return nil
}

// plain makes the handshakes inside of the loop.
func (h *handshakes) plain(ctx context.Context, g Rig, w *window, atOnce int) error {
	f := newFleet(g, PathEcho, atOnce)
	defer f.close()
	f.user = h
	h.again = func(s *socket) { f.dial(ctx, s.index) }
	for i := range atOnce {
		f.dial(ctx, i)
	}
	return w.run(ctx, func(time.Time) {
		if w.err == nil {
			w.err = h.failure()
		}
	})
}

// secure makes them in goroutines, with crypto/tls, while the loop serves as backend.
func (h *handshakes) secure(ctx context.Context, g Rig, w *window, atOnce int) error {
	spin := g.Spin
	g.Spin = false
	defer func() { g.Spin = spin }()
	inner, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for i := range atOnce {
		workers.Go(func() {
			for n := i; inner.Err() == nil && h.failure() == nil; n++ {
				if err := h.secureHandshake(inner, g.Subject, n); err == nil {
					h.done.Add(1)
				} else if inner.Err() == nil {
					h.fail(err)
				}
			}
		})
	}
	err := w.run(ctx, nil)
	stop()
	workers.Wait()
	return errors.Join(err, h.failure())
}

// secureHandshake is one handshake, over TLS.
func (h *handshakes) secureHandshake(ctx context.Context, s Subject, n int) error {
	conn, _, err := dialSecure(ctx, s.Address, n, h.config)
	if err != nil {
		return err
	}
	defer conn.NetConn().Close() //nolint:errcheck // the 101 was all that was wanted
	if conn.ConnectionState().DidResume {
		h.resumed.Add(1)
	}
	// Nobody serves the backend any more when ctx is done.
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().SetDeadline(time.Now()) })
	defer stop()
	if _, err := conn.Write(wire.Request(Host, PathEcho)); err != nil {
		return err
	}
	var head []byte
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return err
		}
		if head = append(head, line...); len(line) == 2 {
			return wire.Check(head)
		}
	}
}
