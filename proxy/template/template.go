package template

import (
	"fmt"
	"strings"
)

// Template is a text with variables. The zero value is the empty text. It is immutable.
type Template struct {
	text  string
	parts []part
}

// part is a text, and the variable behind it.
type part struct{ literal, variable string }

// Parse reads a text. "$name" and "${name}" are variables; a name has letters, digits and _. A
// variable that known, which is asked for each, does not know is an error.
func Parse(text string, known func(variable string) bool) (Template, error) {
	t := Template{text: text}
	for rest := text; rest != ""; {
		literal, behind, found := strings.Cut(rest, "$")
		p := part{literal: literal}
		if rest = ""; found {
			var err error
			if p.variable, rest, err = variable(behind); err != nil {
				return Template{}, err
			}
			if !known(p.variable) {
				return Template{}, fmt.Errorf("$%s is not a variable that Fairlead knows here", p.variable)
			}
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

// variable cuts the name that a text begins with.
func variable(text string) (name, rest string, err error) {
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		name, rest, found := strings.Cut(inner, "}")
		if !found || name == "" || strings.ContainsFunc(name, notOfName) {
			return "", "", fmt.Errorf("${%s has no end, or no name in it", inner)
		}
		return name, rest, nil
	}
	end := strings.IndexFunc(text, notOfName)
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", "", fmt.Errorf("a $ must stand before the name of a variable, in %q", "$"+text)
	}
	return text[:end], text[end:], nil
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}

// String returns the text as it was parsed.
func (t Template) String() string { return t.text }

// Expand returns the text with what value gives for each variable.
func (t Template) Expand(value func(variable string) string) string {
	switch {
	case len(t.parts) == 0:
		return ""
	case len(t.parts) == 1 && t.parts[0].variable == "":
		return t.parts[0].literal
	case len(t.parts) == 1 && t.parts[0].literal == "":
		return value(t.parts[0].variable)
	}
	return string(t.Append(nil, func(b []byte, variable string) []byte { return append(b, value(variable)...) }))
}

// Append appends the text to b. value appends what a variable stands for, and may look at what
// stands before it.
func (t Template) Append(b []byte, value func(b []byte, variable string) []byte) []byte {
	for _, p := range t.parts {
		b = append(b, p.literal...)
		if p.variable != "" {
			b = value(b, p.variable)
		}
	}
	return b
}

// Variables calls yield with each variable, in order, and with those that stand twice twice.
func (t Template) Variables(yield func(string) bool) {
	for _, p := range t.parts {
		if p.variable != "" && !yield(p.variable) {
			return
		}
	}
}
