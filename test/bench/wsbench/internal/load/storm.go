//go:build linux

package load

import (
	"context"
	"fmt"
	"time"
)

// stormTimeout is when whoever is not back counts as failed.
const stormTimeout = 30 * time.Second

// Storm opens so many sockets, cuts all of them at once and opens all anew at once, as clients do
// when a network comes back. A socket that is refused tries again, and is counted as a failure.
func Storm(ctx context.Context, g Rig, sockets int) (Figures, error) {
	u := &storm{}
	f := newFleet(g, PathEcho, sockets)
	defer f.close()
	if err := f.open(ctx, sockets, u); err != nil {
		return nil, err
	}
	g.Spin = g.Spin && !g.TLS // TLS handshakes need the core
	before, err := g.measure()
	if err != nil {
		return nil, err
	}
	f.close()
	begun := time.Now()
	var half time.Duration
	u.again = func(s *socket) { f.dial(ctx, s.index) }
	f.user = u
	for i := range sockets {
		f.dial(ctx, i)
	}
	err = g.Run(ctx, func() bool {
		if half == 0 && u.open >= sockets/2 {
			half = time.Since(begun)
		}
		return u.open < sockets && time.Since(begun) < stormTimeout
	})
	took := time.Since(begun)
	if err != nil {
		return nil, err
	}
	after, err := g.CPU()
	if err != nil {
		return nil, err
	}
	if u.open < sockets {
		return nil, fmt.Errorf("after %s %d of %d sockets are back; the last failure: %w", stormTimeout, u.open, sockets, u.err)
	}
	figures := Figures{
		"back_s":   took.Seconds(),
		"half_s":   half.Seconds(),
		"cpu_s":    (after - before.cpu).Seconds(),
		"failures": float64(u.failed),
	}
	if g.Peak == nil {
		return figures, nil
	}
	peak, err := g.Peak()
	figures["charged_mib"] = float64(before.charged) / (1 << 20)
	figures["charged_peak_mib"] = float64(peak) / (1 << 20)
	return figures, err
}

// storm is the user of Storm's sockets.
type storm struct {
	again        func(*socket)
	open, failed int
	err          error
}

func (u *storm) opened(*socket) { u.open++ }

func (u *storm) data(_ *socket, b []byte) int { return len(b) }

func (u *storm) closed(s *socket, err error) {
	u.failed++
	u.err = err
	if u.again != nil {
		u.again(s)
	}
}
