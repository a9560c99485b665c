package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// WriteAll writes the whole report in Markdown: where it was measured, the bars, a table for each
// case, and the configurations. All ratios are those of the peer named of.
func (r *Report) WriteAll(w io.Writer, of string) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "Measured %s (%s) at %s: %d rounds on %d cores of %s, %d GiB, Linux %s; the proxy on core %s, clients and backend on core %s.\n",
		r.Begun.Format("2006-01-02"), r.Took, r.Commit, r.Rounds, m.Cores, m.CPU, m.MemoryGiB, m.Kernel, m.ProxyCore, m.LoadCore)
	var set []string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		set = append(set, name+" "+r.Settings[name])
	}
	fmt.Fprintf(&b, "Durations: %s.\n", strings.Join(set, ", "))
	b.WriteString("\n| proxy | version |\n|---|---|\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&b, "| %s | %s |\n", p.Name, p.Version)
	}
	fmt.Fprintf(&b, "\n### Bars\n\n%s", r.bars(of))
	for _, c := range r.cases() {
		fmt.Fprintf(&b, "\n%s\n", r.table(c, of))
	}
	b.WriteString("\n### Configurations\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&b, "\n`%s`\n", strings.Join(p.Args, " "))
		for _, name := range slices.Sorted(maps.Keys(p.Files)) {
			fmt.Fprintf(&b, "\n%s:\n\n```\n%s\n```\n", name, strings.TrimSpace(p.Files[name]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table is one case: a row for each peer with medians, the least and the most of the rounds, and
// what Fairlead's median is of the peer's.
func (r *Report) table(c Case, of string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n| proxy |", c)
	rule := "|---|"
	list := columns[c.Mode]
	for _, f := range list {
		fmt.Fprintf(&b, " %s |", f.title)
		rule += "---|"
		if f.ratio {
			fmt.Fprintf(&b, " %s / it |", of)
			rule += "---|"
		}
	}
	b.WriteString("\n" + rule + "\n")
	for _, peer := range r.peersOf(c) {
		fmt.Fprintf(&b, "| %s |", peer)
		for _, f := range list {
			b.WriteString(r.cell(c, peer, f, of))
		}
		b.WriteByte('\n')
	}
	if most := r.disturbance(c); most > quiet {
		fmt.Fprintf(&b, "\nDisturbed: in the worst round something else took %.0f %% of a core.\n", most)
	}
	for _, one := range r.Results {
		if one.Case == c && one.Error != "" {
			fmt.Fprintf(&b, "\nRound %d of %s failed: %s\n", one.Round, one.Peer, strings.ReplaceAll(one.Error, "\n", "; "))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// quiet is the disturbance, in percent of a core, below which nothing is said of it.
const quiet = 6

// disturbance is the greatest in any round of a case.
func (r *Report) disturbance(c Case) float64 {
	most := 0.0
	for _, one := range r.Results {
		if one.Case == c {
			most = max(most, one.Figures["disturbance_percent"])
		}
	}
	return most
}

// cell is a figure of a peer, and its ratio if it has one.
func (r *Report) cell(c Case, peer string, f figure, of string) string {
	theirs, ok := r.spread(c, peer, f.name)
	text := " |"
	if ok {
		text = " " + number(theirs.median) + " |"
		if theirs.least != theirs.most {
			text = fmt.Sprintf(" %s (%s to %s) |", number(theirs.median), number(theirs.least), number(theirs.most))
		}
	}
	if !f.ratio {
		return text
	}
	ours, both := r.spread(c, of, f.name)
	if !ok || !both || peer == of || theirs.median == 0 {
		return text + " |"
	}
	return text + fmt.Sprintf(" %.2f |", ours.median/theirs.median)
}

// number has three digits, or all before the point.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100 || v == float64(int(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
