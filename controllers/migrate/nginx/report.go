package nginx

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// Part says how much of a directive is left.
type Part string

// The parts of a report.
const (
	// Kept is done as nginx did it, or needs nothing here.
	Kept Part = "kept"
	// Differs is done, but not quite as nginx did it.
	Differs Part = "differs"
	// Lost is not done.
	Lost Part = "lost"
)

// Line tells what became of a directive.
type Line struct {
	Part Part `json:"part"`
	// File and Line say where the directive stands, and Directive is its text without its block.
	File      string `json:"file"`
	Line      int    `json:"line"`
	Directive string `json:"directive"`
	// Became says what Fairlead does instead, and Do what is left to somebody. "": nothing.
	Became string `json:"became"`
	Do     string `json:"do,omitempty"`
}

// Report tells what became of every directive.
type Report struct {
	// Lines stand in the order kept, differs, lost, and in each in that of the files.
	Lines []Line `json:"lines"`
	// Commands make what no manifest holds, such as Secrets with keys.
	Commands []string `json:"commands,omitempty"`
}

// Count returns how many lines a part has.
func (r *Report) Count(p Part) int {
	n := 0
	for i := range r.Lines {
		if r.Lines[i].Part == p {
			n++
		}
	}
	return n
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b []byte
	for _, p := range []Part{Kept, Differs, Lost} {
		b = fmt.Appendf(b, "%s: %d\n", p, r.Count(p))
		for _, l := range r.Lines {
			if l.Part != p {
				continue
			}
			b = fmt.Appendf(b, "  %s:%d: %s\n      %s\n", l.File, l.Line, l.Directive, l.Became)
			if l.Do != "" {
				b = fmt.Appendf(b, "      -> %s\n", l.Do)
			}
		}
	}
	if len(r.Commands) > 0 {
		b = fmt.Appendf(b, "to run: %d\n", len(r.Commands))
		for _, c := range r.Commands {
			b = fmt.Appendf(b, "  %s\n", c)
		}
	}
	_, err := w.Write(b)
	return err
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// ledger is a Report in the making: it knows which directives were spoken of.
type ledger struct {
	lines []Line
	seen  map[Line]bool
	told  map[*nginxsyntax.Directive]bool
	order map[string]int // of files
	runs  []string
}

func newLedger() *ledger {
	return &ledger{seen: map[Line]bool{}, told: map[*nginxsyntax.Directive]bool{}, order: map[string]int{}}
}

func (l *ledger) tell(p Part, d *nginxsyntax.Directive, became, do string) {
	l.told[d] = true
	line := Line{Part: p, File: d.File, Line: d.Line, Directive: d.String(), Became: became, Do: do}
	if !l.seen[line] {
		l.seen[line] = true
		l.lines = append(l.lines, line)
	}
}

func (l *ledger) kept(d *nginxsyntax.Directive, format string, args ...any) {
	l.tell(Kept, d, fmt.Sprintf(format, args...), "")
}

func (l *ledger) differs(d *nginxsyntax.Directive, became, do string) { l.tell(Differs, d, became, do) }

func (l *ledger) lost(d *nginxsyntax.Directive, became, do string) { l.tell(Lost, d, became, do) }

// silent says that a directive is part of another one that is spoken of.
func (l *ledger) silent(list ...*nginxsyntax.Directive) {
	for _, d := range list {
		l.told[d] = true
	}
}

// silence is silent for the directives of blocks and all below them.
func (l *ledger) silence(list []*nginxsyntax.Directive) {
	for d := range nginxsyntax.All(list) {
		l.told[d] = true
	}
}

func (l *ledger) run(format string, args ...any) {
	if c := fmt.Sprintf(format, args...); !slices.Contains(l.runs, c) {
		l.runs = append(l.runs, c)
	}
}

// report puts the lines into order.
func (l *ledger) report() *Report {
	rank := map[Part]int{Kept: 0, Differs: 1, Lost: 2}
	slices.SortStableFunc(l.lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(rank[a.Part], rank[b.Part]), cmp.Compare(l.order[a.File], l.order[b.File]), cmp.Compare(a.Line, b.Line))
	})
	return &Report{Lines: append([]Line{}, l.lines...), Commands: l.runs}
}
