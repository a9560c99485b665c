//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// warmSockets open and close before the memory of a proxy is measured first, so that what it sets
// up once is not counted as a tunnel's.
const warmSockets = 64

// Idle holds so many tunnels through which nothing goes.
func Idle(ctx context.Context, g Rig, sockets int) (Figures, error) {
	spin := g.Spin
	g.Spin = false
	defer func() { g.Spin = spin }()
	before, err := measureWarm(ctx, g)
	if err != nil {
		return nil, err
	}

	h := new(held)
	f := newFleet(g, PathEcho, tlsAtOnce)
	defer f.close()
	if err := f.open(ctx, sockets, h); err != nil {
		return nil, err
	}
	opened, err := g.measure()
	if err := errors.Join(err, rest(ctx, g.Loop, g.Settle)); err != nil {
		return nil, err
	}
	settled, err := g.measure()
	if err := errors.Join(err, rest(ctx, g.Loop, g.Quiet), h.err); err != nil {
		return nil, err
	}
	after, err := g.measure()
	if err != nil {
		return nil, err
	}
	each := float64(sockets)
	figures := Figures{
		"bytes_per_tunnel":        float64(after.memory-before.memory) / each,
		"bytes_per_tunnel_opened": float64(opened.memory-before.memory) / each,
		"bytes_per_tunnel_soon":   float64(settled.memory-before.memory) / each,
		"descriptors_per_tunnel":  float64(after.descriptors-before.descriptors) / each,
		"quiet_cpu_percent":       100 * (after.cpu - settled.cpu).Seconds() / after.at.Sub(settled.at).Seconds(),
		"open_cpu_us_per_tunnel":  float64(opened.cpu-before.cpu) / float64(time.Microsecond) / each,
		"base_mib":                float64(before.memory) / (1 << 20),
	}
	if g.Charged != nil {
		figures["charged_bytes_per_tunnel"] = float64(after.charged-before.charged) / each
		figures["charged_base_mib"] = float64(before.charged) / (1 << 20)
	}
	return figures, nil
}

// rest serves for a while.
func rest(ctx context.Context, l *Loop, d time.Duration) error {
	until := time.Now().Add(d)
	return l.Run(ctx, func() bool { return time.Now().Before(until) })
}

// sample is what a proxy holds at one moment.
type sample struct {
	at          time.Time
	cpu         time.Duration
	memory      int64
	charged     int64
	descriptors int
}

// measureWarm measures the proxy when it has had its first tunnels and lost them again.
func measureWarm(ctx context.Context, g Rig) (sample, error) {
	warm := newFleet(g, PathEcho, tlsAtOnce)
	err := warm.open(ctx, warmSockets, new(held))
	warm.close()
	if err := errors.Join(err, rest(ctx, g.Loop, g.Settle)); err != nil {
		return sample{}, err
	}
	return g.measure()
}

func (s Subject) measure() (sample, error) {
	memory, err1 := s.Memory()
	descriptors, err2 := s.Descriptors()
	cpu, err3 := s.CPU()
	one := sample{at: time.Now(), cpu: cpu, memory: memory, descriptors: descriptors}
	if s.Charged == nil {
		return one, errors.Join(err1, err2, err3)
	}
	charged, err := s.Charged()
	one.charged = charged
	return one, errors.Join(err1, err2, err3, err)
}

// held is the user of sockets through which nothing may come.
type held struct{ err error }

func (h *held) opened(*socket) {}

func (h *held) data(_ *socket, b []byte) int {
	h.err = errors.Join(h.err, fmt.Errorf("bytes that nobody sent: %x", b))
	return len(b)
}

func (h *held) closed(s *socket, err error) {
	h.err = errors.Join(h.err, fmt.Errorf("socket %d was closed: %w", s.index, err))
}
