package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Report tells what the clients of a fleet lived through in a while.
type Report struct {
	Name       string
	Clients    int
	Kept       int            // clients whose socket lived through all of it
	Closed     map[string]int // how sockets ended: the code of a Close frame, or reset, cut, silence, wrong
	Gaps       []time.Duration
	Away       int            // ends whose client is not back yet
	Refused    map[string]int // handshakes that led to no socket
	Unanswered int            // messages on sockets that ended without their echo
	Ends       []End
	Refusals   []Refusal
}

// Report tells what happened since a moment.
func (f *Fleet) Report(name string, since time.Time) Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := Report{Name: name, Clients: len(f.places), Closed: map[string]int{}, Refused: map[string]int{}}
	broken := map[int]bool{}
	for _, end := range f.ends {
		if end.At.Before(since) || end.How == Left {
			continue
		}
		r.Ends = append(r.Ends, *end)
		broken[end.Client] = true
		r.Closed[end.word()]++
		r.Unanswered += end.Unanswered
		if gap, ok := end.Gap(); ok {
			r.Gaps = append(r.Gaps, gap)
		} else {
			r.Away++
		}
	}
	for _, refusal := range f.refusals {
		if !refusal.At.Before(since) {
			r.Refusals = append(r.Refusals, refusal)
			r.Refused[refusal.What]++
		}
	}
	r.Kept = r.Clients - len(broken)
	slices.Sort(r.Gaps)
	return r
}

// Gap returns the gap that a share of the ends does not exceed (nearest rank), such as 0.99. Without any it is zero.
func (r Report) Gap(share float64) time.Duration {
	if len(r.Gaps) == 0 {
		return 0
	}
	rank := int(share * float64(len(r.Gaps)))
	if float64(rank) < share*float64(len(r.Gaps)) {
		rank++
	}
	return r.Gaps[max(rank, 1)-1]
}

// Span returns the time from the first end to the last.
func (r Report) Span() time.Duration {
	if len(r.Ends) == 0 {
		return 0
	}
	first := slices.MinFunc(r.Ends, byTime)
	last := slices.MaxFunc(r.Ends, byTime)
	return last.At.Sub(first.At)
}

// Busiest returns how many ends came in the busiest while of the given length.
func (r Report) Busiest(while time.Duration) int {
	ends := slices.SortedFunc(slices.Values(r.Ends), byTime)
	most, first := 0, 0
	for i, end := range ends {
		for end.At.Sub(ends[first].At) >= while {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func byTime(a, b End) int { return a.At.Compare(b.At) }

// Table puts reports below each other.
func Table(reports ...Report) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(cells ...string) {
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) // a strings.Builder takes everything
	}
	line("what happened", "clients", "kept", "closed", "gap p50", "p99", "max", "refused", "unanswered", "still away")
	for _, r := range reports {
		line(r.Name, strconv.Itoa(r.Clients), strconv.Itoa(r.Kept), counts(r.Closed), brief(r.Gap(0.5)), brief(r.Gap(0.99)),
			brief(r.Gap(1)), counts(r.Refused), strconv.Itoa(r.Unanswered), strconv.Itoa(r.Away))
	}
	_ = w.Flush()
	return text.String()
}

func brief(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(time.Millisecond).String()
}

func counts(of map[string]int) string {
	if len(of) == 0 {
		return "-"
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s: %d", what, of[what]))
	}
	return strings.Join(parts, ", ")
}
