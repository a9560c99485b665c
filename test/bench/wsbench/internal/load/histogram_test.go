package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A quantile is told to 1.6 %, from nanoseconds to minutes, and never below the truth.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 100_000 {
		d := time.Duration(1) << random.IntN(38)
		d += time.Duration(random.Int64N(int64(d)))
		h.Record(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if got < want || float64(got) > 1.016*float64(want)+1 {
			t.Errorf("quantile %v is %s, told as %s", q, want, got)
		}
	}
	if h.Max() != all[len(all)-1] || h.Count() != int64(len(all)) {
		t.Errorf("%d durations up to %s, told as %d up to %s", len(all), all[len(all)-1], h.Count(), h.Max())
	}
}

// Of nothing there is no quantile, and what is too long counts as the longest.
func TestQuantilesAtTheEnds(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Errorf("of nothing: %s", h.Quantile(0.5))
	}
	h.Record(-time.Second)
	if h.Quantile(1) != 0 {
		t.Errorf("of less than nothing: %s", h.Quantile(1))
	}
	h.Record(1000 * time.Hour)
	if h.Quantile(1) != 1000*time.Hour {
		t.Errorf("of 1,000 h: %s", h.Quantile(1))
	}
}
