package observe

import (
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// refusalsPerSecond bounds the lines about refused requests. When the pods of a route are down, its
// clients come again and again, and 100,000 of them would write as many lines as they try; twenty
// tell as much, and the metrics count them all.
const refusalsPerSecond = 20

// flood lets so many lines of a second through and counts the others.
type flood struct {
	mu      sync.Mutex
	second  int64
	let     int
	skipped map[model.Reason]int
}

// passes reports whether a line may be written now. The first of a new second brings along what
// was skipped before, which is told once.
func (f *flood) passes(reason model.Reason, now time.Time) (ok bool, skipped map[model.Reason]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if second := now.Unix(); second != f.second {
		f.second, f.let = second, 0
		skipped, f.skipped = f.skipped, nil
	}
	if f.let < refusalsPerSecond {
		f.let++
		return true, skipped
	}
	if f.skipped == nil {
		f.skipped = make(map[model.Reason]int)
	}
	f.skipped[reason]++
	return false, skipped
}

// mayTell reports whether the end of a refused request is worth a line now.
func (o *Observer) mayTell(reason model.Reason) bool {
	ok, skipped := o.flood.passes(reason, time.Now())
	for reason, n := range skipped {
		o.log.Warn("requests were refused without a line for each", "reason", reason, "requests", n)
	}
	return ok
}

// refused reports whether an outcome is of the kind that may come in floods.
func refused(out Outcome) bool { return !out.Tunnelled && endLevel(out) >= slog.LevelInfo }
