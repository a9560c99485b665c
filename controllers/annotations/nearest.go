package annotations

import "strings"

// didYouMean returns the advice to use the annotation whose name is nearest, or to look it up.
func didYouMean(key, prefix string) string {
	name := strings.TrimPrefix(key, prefix)
	best, bound := "", max(2, len(name)/3)+1
	for i := range table {
		r := &table[i]
		if r.Prefix != prefix || r.Support != Served {
			continue
		}
		if d := distance(name, r.Name); d < bound {
			best, bound = r.Key(), d
		}
	}
	if best == "" {
		return ": remove it; docs/annotations.md lists all that there are"
	}
	return ": did you mean " + best + "?"
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
