//go:build linux

package load

import (
	"context"
	"errors"
)

// stalledFrame is the payload of what stalled clients are sent.
const stalledFrame = 16 << 10

// Stalled holds so many tunnels whose backend sends as fast as it can, and whose clients don't read:
// what a proxy and the kernel keep for such a tunnel until somebody gives up.
func Stalled(ctx context.Context, g Rig, sockets int) (Figures, error) {
	spin := g.Spin
	g.Spin = false
	defer func() { g.Spin = spin }()
	before, err := measureWarm(ctx, g)
	if err != nil {
		return nil, err
	}
	h := new(held)
	f := newFleet(g, PathDown(stalledFrame), tlsAtOnce)
	f.deaf = true
	defer f.close()
	if err := f.open(ctx, sockets, h); err != nil {
		return nil, err
	}
	if err := errors.Join(rest(ctx, g.Loop, g.Settle), h.err); err != nil {
		return nil, err
	}
	after, err := g.measure()
	if err != nil {
		return nil, err
	}
	each := float64(sockets)
	figures := Figures{"bytes_per_tunnel": float64(after.memory-before.memory) / each}
	if g.Charged != nil {
		figures["charged_bytes_per_tunnel"] = float64(after.charged-before.charged) / each
	}
	return figures, nil
}
