package architecture

import (
	"fmt"
	"slices"
	"strings"
)

// pkg is what `go list` says about one of our packages.
type pkg struct {
	ImportPath, Name, Dir string

	GoFiles, TestGoFiles, XTestGoFiles       []string
	Imports, Deps, TestImports, XTestImports []string
}

// check returns one line for every import of p that breaks r.
func (r rule) check(p pkg) []string {
	from := short(p.ImportPath)
	if !matches(r.of, from) || matches(r.except, from) {
		return nil
	}
	imports := p.Imports
	if r.deep {
		imports = slices.Concat(imports, p.Deps)
	}
	if r.tests {
		imports = slices.Concat(imports, p.TestImports, p.XTestImports)
	}
	slices.Sort(imports)
	var broken []string
	for _, path := range slices.Compact(imports) {
		if to := short(path); to != from && r.forbids(path) {
			how := "imports"
			if !slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), path) {
				how = "imports, through another package,"
			}
			broken = append(broken, fmt.Sprintf("%s %s %s, but must not: %s", from, how, to, r.why))
		}
	}
	return broken
}

func (r rule) forbids(path string) bool {
	to := short(path)
	if r.only != nil && strings.HasPrefix(path, module) && !matches(r.only, to) {
		return true
	}
	if matches(r.but, to) {
		return false
	}
	return matches(r.never, to) || slices.Contains(r.never, "outside") && outside(path)
}

// short returns our own packages without the module's name.
func short(path string) string { return strings.TrimPrefix(path, module) }

// outside reports whether a package is neither ours nor of the standard library, whose paths alone
// begin with a name without a dot.
func outside(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && !strings.HasPrefix(path, module)
}

func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if above, ok := strings.CutSuffix(pattern, "/..."); ok {
			return path == above || strings.HasPrefix(path, above+"/")
		}
		return path == pattern
	})
}
