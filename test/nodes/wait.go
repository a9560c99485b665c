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
		if err := ended(needed...); err != nil {
			return fmt.Errorf("wait for %s (%w): %w", what, last, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: in vain for %s: %w", what, time.Since(begin).Round(time.Second), last)
		case <-time.After(pause):
		}
	}
}

// ended tells which processes have ended by themselves, and what they said last. nil: none, as it should be.
func ended(processes ...*cluster.Process) error {
	var problems []error
	for _, process := range processes {
		if process == nil { // not started yet, or no longer
			continue
		}
		select {
		case <-process.Exited():
			problem := process.Err()
			if problem == nil {
				problem = fmt.Errorf("%s ended\n%s", process.Name, cluster.Tail(process.Log, 15))
			}
			problems = append(problems, problem)
		default:
		}
	}
	return errors.Join(problems...)
}
