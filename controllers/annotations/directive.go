package annotations

import (
	"errors"
	"strings"
)

// directive is one of nginx's own configuration language: a name, its arguments without quotes, and
// whether a block follows, whose directives come next.
type directive struct {
	name  string
	args  []string
	block bool
}

var (
	errSnippetQuote = errors.New("a quote has no end")
	errSnippetEnd   = errors.New("a directive has no ; at its end")
	errSnippetBrace = errors.New("a } has no {, or a { no }")
)

// directives reads a snippet of nginx's configuration into a flat list. Braces, semicolons and # in
// quotes, behind a backslash or in ${name} are text, as in nginx. On an error it returns what it
// read before.
func directives(text string) ([]directive, error) {
	var (
		all   []directive
		words []string
		depth int
	)
	end := func(block bool) {
		if len(words) > 0 {
			all = append(all, directive{words[0], words[1:], block})
		}
		words = nil
	}
	for text = strings.TrimLeft(text, blanks); text != ""; text = strings.TrimLeft(text, blanks) {
		switch text[0] {
		case ';':
			end(false)
		case '{':
			end(true)
			depth++
		case '}':
			if depth--; depth < 0 || len(words) > 0 {
				return all, errSnippetBrace
			}
		case '#':
			_, text, _ = strings.Cut(text, "\n")
			continue
		default:
			word, rest, err := snippetWord(text)
			if err != nil {
				return all, err
			}
			words, text = append(words, word), rest
			continue
		}
		text = text[1:]
	}
	switch {
	case len(words) > 0:
		end(false)
		return all, errSnippetEnd
	case depth > 0:
		return all, errSnippetBrace
	}
	return all, nil
}

const blanks = " \t\r\n\v\f"

// snippetWord cuts one word from a text that begins with it.
func snippetWord(text string) (word, rest string, err error) {
	var b strings.Builder
	if quote := text[0]; quote == '"' || quote == '\'' {
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == quote:
				return b.String(), text[i+1:], nil
			case text[i] == '\\' && i+1 < len(text):
				i++
			}
			b.WriteByte(text[i])
		}
		return "", "", errSnippetQuote
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '{' && i > 0 && text[i-1] == '$':
			name, _, found := strings.Cut(text[i:], "}")
			if !found {
				return "", "", errSnippetBrace
			}
			b.WriteString(name + "}")
			i += len(name)
		case strings.IndexByte(blanks+";{}", c) >= 0:
			return b.String(), text[i:], nil
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", nil
}
