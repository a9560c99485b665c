package annotations

import (
	"maps"
	"slices"
	"strings"
)

// didYouMean returns the advice to use the annotation whose name is nearest, or to look it up.
func didYouMean(key, prefix string) string {
	var names []string
	for i := range table {
		if r := &table[i]; r.Prefix == prefix && r.Support == Served {
			names = append(names, r.Name)
		}
	}
	best := nearest(strings.TrimPrefix(key, prefix), names)
	if best == "" {
		return ": remove it; docs/annotations.md lists all that there are"
	}
	return ": did you mean " + prefix + best + "?"
}

// didYouMeanParameter is didYouMean for a key of class parameters.
func didYouMeanParameter(key string) string {
	names := slices.Collect(maps.Keys(fixedParameters))
	for _, rows := range [][]Row{parameterRows, table} {
		for i := range rows {
			if r := &rows[i]; r.Support == Served && !r.PerObject {
				names = append(names, r.Name)
			}
		}
	}
	slices.Sort(names)
	best := nearest(key, names)
	if best == "" {
		return ": remove it; docs/annotations.md lists all that there are"
	}
	return ": did you mean " + best + "?"
}

// nearest returns the first of the names that are nearest to one. "": none is near.
func nearest(name string, names []string) string {
	best, bound := "", max(2, len(name)/3)+1
	for _, other := range names {
		if d := distance(name, other); d < bound {
			best, bound = other, d
		}
	}
	return best
}

// maxCompared bounds the work on names that somebody made up; ours are shorter.
const maxCompared = 64

// distance returns how many letters must be inserted, removed or changed to make a into b
// (Levenshtein's distance).
func distance(a, b string) int {
	a, b = a[:min(len(a), maxCompared)], b[:min(len(b), maxCompared)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
