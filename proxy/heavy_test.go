package proxy

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Requests that expressions take long over must leave processors to the sessions that stand.
func TestHeavyRequestsAreLookedAtInTurn(t *testing.T) {
	var now, most atomic.Int64
	var all sync.WaitGroup
	heavy := func(ctx context.Context) *exchange {
		return &exchange{r: httptest.NewRequest("GET", "/", nil).WithContext(ctx), heavy: true}
	}
	for range 8 * cap(judging) {
		all.Go(func() {
			err := heavy(t.Context()).inTurn(func() error {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(5 * time.Millisecond)
				now.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() > int64(cap(judging)) {
		t.Errorf("%d at a time", most.Load())
	}

	for range cap(judging) {
		judging <- struct{}{}
	}
	defer func() {
		for range cap(judging) {
			<-judging
		}
	}()
	if err := (&exchange{}).inTurn(func() error { return nil }); err != nil {
		t.Errorf("who is not heavy: %v", err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var refusal *model.Refusal
	if err := heavy(ctx).inTurn(func() error { return nil }); !errors.As(err, &refusal) || refusal.Reason != model.ClientGone {
		t.Errorf("who has left: %v", err)
	}
}
