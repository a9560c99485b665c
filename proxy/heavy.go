package proxy

import (
	"context"
	"runtime"

	"github.com/fairlead/fairlead/proxy/backend"
)

// maxSteps bounds what the regular expressions of a host may have to do for a request where others wait:
// they must not hold up a loop for a millisecond.
const maxSteps = 250_000

// judging bounds the heavier requests that are looked at by expressions at a time. They may take tens
// of milliseconds each, and must not take the processors from the sessions that stand.
var judging = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// inTurn does what expressions have a part in, when it is the request's turn.
func (x *exchange) inTurn(do func() error) error {
	if !x.heavy {
		return do()
	}
	ctx := x.r.Context()
	select {
	case judging <- struct{}{}:
		defer func() { <-judging }()
		return do()
	case <-ctx.Done():
		return backend.ClientGone(context.Cause(ctx))
	}
}
