package fleet

import (
	"strings"
	"testing"
	"time"
)

func TestGapsByNearestRank(t *testing.T) {
	var r Report
	if r.Gap(0.5) != 0 {
		t.Error("a gap where there is none")
	}
	for i := range 100 {
		r.Gaps = append(r.Gaps, time.Duration(i+1)*time.Millisecond)
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 0.991: 100, 1: 100} {
		if got := r.Gap(share); got != want*time.Millisecond {
			t.Errorf("%v of the gaps: %s, want %d ms", share, got, want)
		}
	}
}

func TestHowEndsAreSpread(t *testing.T) {
	var r Report
	if r.Busiest(time.Second) != 0 || r.Span() != 0 {
		t.Error("ends where there are none")
	}
	start := time.Now()
	for _, ms := range []int{4000, 0, 100, 900, 1000, 1999} {
		r.Ends = append(r.Ends, End{At: start.Add(time.Duration(ms) * time.Millisecond)})
	}
	if got := r.Busiest(time.Second); got != 3 {
		t.Errorf("busiest second: %d ends, want 3", got)
	}
	if got := r.Span(); got != 4*time.Second {
		t.Errorf("span %s, want 4 s", got)
	}
}

func TestTable(t *testing.T) {
	text := Table(
		Report{Name: "a pod killed", Clients: 30, Kept: 20, Closed: map[string]int{"1011": 9, "reset": 1}, Gaps: []time.Duration{1500 * time.Microsecond}},
		Report{Name: "nothing", Clients: 5, Kept: 5},
	)
	want := []string{
		"what happened  clients  kept  closed             gap p50  p99  max  refused  unanswered  still away",
		"a pod killed   30       20    1011: 9, reset: 1  2ms      2ms  2ms  -        0           0",
		"nothing        5        5     -                  -        -    -    -        0           0",
	}
	if got := strings.Split(strings.TrimSpace(text), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", text)
	}
}
