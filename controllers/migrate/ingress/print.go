package ingress

import (
	"fmt"
	"io"
	"strings"
)

// Count returns how many objects have each verdict.
func Count(objects []Object) map[Verdict]int {
	count := map[Verdict]int{}
	for _, o := range objects {
		count[o.Verdict]++
	}
	return count
}

// Print writes the report for people: what works is counted, all else is told.
func Print(w io.Writer, objects []Object) error {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "Ingress %s\n", strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"))
		works := 0
		for _, l := range o.Lines {
			if l.Verdict == Works {
				works++
			}
		}
		fmt.Fprintf(&b, "  %-8s %s, %s\n", Works, counted(o.Routes, "route"), counted(works, "annotation"))
		for _, verdict := range []Verdict{Differs, Unknown, Lost} {
			for _, l := range o.Lines {
				if l.Verdict != verdict {
					continue
				}
				what := l.Field
				if l.Value != "" {
					what = strings.TrimSuffix(strings.TrimPrefix(what, "metadata.annotations["), "]") + ": " + l.Value
				}
				fmt.Fprintf(&b, "  %-8s %s\n           %s\n", verdict, what, l.Message)
			}
		}
		for _, lost := range o.NotInRoutes {
			fmt.Fprintf(&b, "  %-8s not in a WebSocketRoute: %s\n", "route", lost)
		}
	}
	count := Count(objects)
	fmt.Fprintf(&b, "%s: %d as before, %d with differences, %d that hang on other objects, %d that lose something\n",
		counted(len(objects), "Ingress"), count[Works], count[Differs], count[Unknown], count[Lost])
	_, err := io.WriteString(w, b.String())
	return err
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
