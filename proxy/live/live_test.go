package live

import (
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheFirstMarkCountsUntilItIsTakenBack(t *testing.T) {
	var e Endpoint
	first := time.Now()
	e.SetLeaving(first)
	e.SetLeaving(first.Add(time.Hour)) // seen again in a later table
	if since, leaving := e.Leaving(); !leaving || !since.Equal(first) {
		t.Errorf("leaving since %v, %v", since, leaving)
	}
	e.Stay()
	if _, leaving := e.Leaving(); leaving {
		t.Error("it stays")
	}
}

// Time is set while sessions drain. What is counted from a mark goes on by the monotonic clock, of
// which a time.Time tells by "m=".
func TestAMarkDoesNotMoveWithTheClock(t *testing.T) {
	r := NewRoute()
	r.SetDeleted(time.Now())
	if since, _ := r.Deleted(); !strings.Contains(since.String(), " m=") {
		t.Errorf("deleted since %v", since)
	}
}

func TestSessionsAreCountedByMany(t *testing.T) {
	r := NewRoute()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 100 {
				r.Acquire()
				r.Release()
			}
			r.Acquire()
		})
	}
	all.Wait()
	if r.Sessions() != 50 {
		t.Errorf("%d sessions", r.Sessions())
	}
}

func TestReplicasDontStartWithTheSameTurn(t *testing.T) {
	seen := map[uint64]bool{}
	for range 20 {
		seen[NewBackend().Turn()] = true
	}
	if len(seen) < 19 {
		t.Errorf("%d different turns of 20", len(seen))
	}
}

func TestSharesAreCountedByBackend(t *testing.T) {
	r := NewRoute()
	r.Share("a").Acquire()
	r.Share("a").Acquire()
	r.Share("b").Acquire()
	r.Share("b").Release()
	if a, b := r.Share("a").Sessions(), r.Share("b").Sessions(); a != 2 || b != 0 {
		t.Errorf("%d and %d", a, b)
	}
	var none *Share // of a route with one backend
	none.Acquire()
	none.Release()
	if none.Sessions() != 0 {
		t.Error("nil counts")
	}
}
