//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// lateness is how long after the window messages may still come back.
const lateness = 2 * time.Second

// RateParams say how much load Rate makes.
type RateParams struct {
	Sockets   int
	PerSecond int // messages, over all sockets
}

// Rate is an open loop: so many messages a second in all, one socket after the other, whether or not
// the ones before are back. Latency counts from the moment at which a message was due, so that a
// proxy that stalls pays for every message that had to wait.
func Rate(ctx context.Context, g Rig, p RateParams) (Figures, error) {
	r := newRate(p)
	f := newFleet(g, PathEcho, tlsAtOnce)
	defer f.close()
	if err := f.open(ctx, p.Sockets, r); err != nil {
		return nil, err
	}
	r.begin(f.sockets)
	var before, messages int64
	w := &window{rig: g,
		begin: func() { r.from, before = time.Since(r.start), r.received },
		end:   func() { r.to, messages = time.Since(r.start), r.received-before }}
	if err := errors.Join(w.run(ctx, r.send), r.await(ctx, g.Loop), r.firstErr); err != nil {
		return nil, err
	}
	figures := w.figures(Figures{
		"cpu_us_per_message": w.cpuPer(float64(messages), time.Microsecond),
		"messages_per_s":     w.perSecond(messages),
		"lost":               float64(r.lost()),
	})
	r.quantiles(figures)
	return figures, nil
}

// rate is the user of Rate's sockets.
type rate struct {
	frame, back []byte
	interval    time.Duration
	sockets     []*socket
	start       time.Time

	next     int64         // number of the next message; it is due at next*interval
	from, to time.Duration // the window, from start; 0: it has not come
	sent     int64
	received int64
	cut      int // sockets that were closed
	firstErr error
	latency  Histogram
}

func newRate(p RateParams) *rate {
	payload := wire.Payload(MessageSize)
	return &rate{frame: wire.ClientFrame(payload), back: wire.ServerFrame(payload), interval: time.Second / time.Duration(p.PerSecond)}
}

// begin starts the clock.
func (r *rate) begin(sockets []*socket) { r.sockets, r.start = sockets, time.Now() }

// await waits for what is still on its way.
func (r *rate) await(ctx context.Context, l *Loop) error {
	deadline := time.Now().Add(lateness)
	return l.Run(ctx, func() bool { return r.lost() > 0 && time.Now().Before(deadline) })
}

// send sends what is due.
func (r *rate) send(now time.Time) {
	for due := time.Duration(r.next) * r.interval; due <= now.Sub(r.start); due += r.interval {
		s := r.sockets[r.next%int64(len(r.sockets))]
		r.next++
		r.sent++
		if s.closed() {
			continue // sent to nobody: lost
		}
		s.due = append(s.due, int64(due))
		if err := s.transmit(r.frame); err != nil {
			s.fail(err)
		}
	}
}

func (r *rate) opened(*socket) {}

func (r *rate) data(s *socket, b []byte) int {
	n := 0
	for ; len(b)-n >= len(r.back); n += len(r.back) {
		if len(s.due) == 0 || !bytes.Equal(b[n:n+len(r.back)], r.back) {
			s.fail(fmt.Errorf("what came back was not sent: %x", b[n:n+len(r.back)]))
			return 0
		}
		due := time.Duration(s.due[0])
		s.due = append(s.due[:0], s.due[1:]...)
		r.received++
		if r.from > 0 && due >= r.from && (r.to == 0 || due < r.to) {
			r.latency.Record(time.Since(r.start) - due)
		}
	}
	return n
}

func (r *rate) closed(s *socket, err error) {
	r.cut++
	r.firstErr = errors.Join(r.firstErr, fmt.Errorf("socket %d was closed: %w", s.index, err))
}

// lost is how many messages did not come back.
func (r *rate) lost() int64 { return r.sent - r.received }

func (r *rate) quantiles(to Figures) {
	for name, q := range map[string]float64{"p50_us": 0.5, "p99_us": 0.99, "p99.9_us": 0.999} {
		to[name] = float64(r.latency.Quantile(q)) / float64(time.Microsecond)
	}
	to["max_us"] = float64(r.latency.Max()) / float64(time.Microsecond)
}
