package nodes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
)

// patience is how long one program may take to do one thing on a busy machine.
const patience = 2 * time.Minute

// waitFor asks again and again until check returns nil. It gives up when patience is over, and at once when one of the
// processes has ended, for then it would wait in vain. The error says what it waited for, and what check said last.
func waitFor(ctx context.Context, what string, check func(context.Context) error, needed ...*cluster.Process) error {
	const pause = 50 * time.Millisecond
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		last := check(ctx)
		if last == nil {
			return nil
		}
		for _, process := range needed {
			select {
			case <-process.Exited():
				return fmt.Errorf("wait for %s: %s has ended: %w\n%s", what, process.Name, errors.Join(process.Err(), last), cluster.Tail(process.Log, 15))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: in vain for %s: %w", what, time.Since(begin).Round(time.Second), last)
		case <-time.After(pause):
		}
	}
}
