package probe

import (
	"context"
	"fmt"
)

// Run probes a URL. It takes at most the timeout for each step of each attempt, of which there are
// five or one for each address, and the silence that was asked for. An error means that the options
// are wrong, and nothing was probed; all that goes wrong on the way is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	at, notes, err := parsePlace(o.URL)
	if err != nil {
		return nil, err
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	first := try(ctx, &o, at, "", nil)
	r := &Report{URL: at.String(), Notes: notes, Attempts: []Attempt{*first}, Verdict: explain(&o, at, first)}
	about := first // what the verdict is about
	if o.AllAddresses {
		about = r.others(ctx, &o, at, first)
	}
	r.Attempts = append(r.Attempts, vary(ctx, &o, at, about, &r.Verdict)...)
	if ctx.Err() != nil {
		r.Verdict.Notes = append(r.Verdict.Notes, "the probe was broken off before its end")
	}
	return r, nil
}

// others probes the further addresses of the name. The verdict is that of the first attempt that
// failed, which it returns.
func (r *Report) others(ctx context.Context, o *Options, at place, first *Attempt) (about *Attempt) {
	about = first
	works, total := 0, 1+len(first.seen.unreached)
	if first.Finding == Works {
		works = 1
	}
	for _, address := range first.seen.left {
		if ctx.Err() != nil {
			break
		}
		a := try(ctx, o, at, "the address "+address.String(), func(t *trial) { t.only = address })
		r.Attempts = append(r.Attempts, *a)
		total++
		if a.Finding == Works {
			works++
		} else if r.Verdict.Works {
			r.Verdict, about = explain(o, at, a), a
		}
	}
	if total == 1 {
		r.Verdict.Notes = append(r.Verdict.Notes, "the name has one address")
		return about
	}
	r.Verdict.Notes = append(r.Verdict.Notes, fmt.Sprintf("%d of %d addresses work", works, total))
	if r.Verdict.Works && len(first.seen.unreached) > 0 {
		r.Verdict.Works, r.Verdict.Finding = false, first.seen.unreached[0].finding
		r.Verdict.Summary = "not every address of the name works: " + unreachedText(first.seen.unreached) + "."
	}
	return about
}

func unreachedText(list []unreached) string {
	text := ""
	for i, u := range list {
		if i > 0 {
			text += ", "
		}
		text += u.address.String() + " (" + reached(u.finding) + ")"
	}
	return text
}
