//go:build linux

package load

import (
	"context"
	"fmt"
	"time"
)

// awaitTimeout bounds the time until a proxy that accepts connections has read its routes.
const awaitTimeout = 15 * time.Second

// Await returns when a handshake through the proxy succeeds: some accept before they know their routes.
func Await(ctx context.Context, g Rig) error {
	deadline := time.Now().Add(awaitTimeout)
	for {
		f := newFleet(g, PathEcho, 1)
		err := f.open(ctx, 1, new(held))
		f.close()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not serve: %w", err)
		}
		if err := rest(ctx, g.Loop, 10*time.Millisecond); err != nil {
			return err
		}
	}
}
