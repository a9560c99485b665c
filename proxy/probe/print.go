package probe

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes the report for people.
func (r *Report) WriteText(to io.Writer) error {
	w := new(strings.Builder)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		if a.Variation == "" {
			fmt.Fprintf(w, "%s\n", a.URL)
		} else {
			fmt.Fprintf(w, "another handshake, %s: %s\n", a.Variation, a.URL)
		}
		for _, s := range a.Steps {
			s.write(w)
		}
	}
	fmt.Fprintln(w)
	r.Verdict.write(w)
	_, err := io.WriteString(to, w.String())
	return err
}

// write writes a step: its lines stand below one another, behind its name and time.
func (s *Step) write(w *strings.Builder) {
	mark := "✓"
	if !s.OK {
		mark = "✗"
	}
	fmt.Fprintf(w, "  %s %-8s %9s", mark, s.Name, round(s.Took))
	for i, line := range s.Saw {
		if i > 0 {
			fmt.Fprintf(w, "%23s", "")
		}
		fmt.Fprintf(w, "  %s\n", line)
	}
	if len(s.Saw) == 0 {
		fmt.Fprintln(w)
	}
}

func (v *Verdict) write(w *strings.Builder) {
	word := "FAILS"
	if v.Works {
		word = "WORKS"
	}
	fmt.Fprintf(w, "%s (%s)\n", word, v.Finding)
	paragraph(w, "  ", upper(v.Summary))
	if v.By != "" {
		paragraph(w, "  ", "Answered by "+v.By+".")
	}
	paragraph(w, "  ", v.Why)
	if len(v.Changes) > 0 {
		fmt.Fprintf(w, "\nWhat to change, where it applies:\n")
	}
	for _, c := range v.Changes {
		fmt.Fprintf(w, "  %s\n", c.Where)
		for _, line := range c.Lines {
			fmt.Fprintf(w, "      %s\n", line)
		}
	}
	if len(v.Notes) > 0 {
		fmt.Fprintf(w, "\nBesides:\n")
	}
	for _, n := range v.Notes {
		paragraph(w, "  - ", upper(n)+".")
	}
}

// width is where paragraphs are broken, in characters.
const width = 100

// paragraph writes text in lines, the further ones below the first.
func paragraph(w *strings.Builder, indent, text string) {
	if text == "" {
		return
	}
	line, empty := indent, true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			fmt.Fprintln(w, line)
			line, empty = strings.Repeat(" ", len(indent)), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	fmt.Fprintln(w, line)
}
