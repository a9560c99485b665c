package nginxsyntax

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a mistake in a file.
type Error struct {
	File string
	Line int
	Text string
}

// Error returns "file:line: text".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// The kinds of token.
const (
	word  = iota
	end   // ;
	open  // {
	shut  // }
	after // the end of the file
)

type token struct {
	kind int
	text string // of a word
	line int
}

// lexer cuts a file into tokens, in the way of ngx_conf_read_token.
type lexer struct {
	file string
	rest []byte
	line int
}

// newLexer refuses what is no text, so that no message and no manifest holds garbage.
func newLexer(file string, content []byte) (*lexer, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	for line, rest := 1, content; len(rest) > 0; line++ {
		var text []byte
		text, rest, _ = bytes.Cut(rest, []byte("\n"))
		if bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
			return nil, &Error{file, line, "this is no text (UTF-8): give the file that nginx reads"}
		}
	}
	return &lexer{file: file, rest: content, line: 1}, nil
}

func (l *lexer) fail(line int, format string, args ...any) error {
	return &Error{l.file, line, fmt.Sprintf(format, args...)}
}

// read takes n bytes and counts the lines in them.
func (l *lexer) read(n int) []byte {
	taken := l.rest[:n]
	l.line += bytes.Count(taken, []byte("\n"))
	l.rest = l.rest[n:]
	return taken
}

// next returns the next token.
func (l *lexer) next() (token, error) {
	for len(l.rest) > 0 {
		switch c := l.rest[0]; c {
		case ' ', '\t', '\r', '\n':
			l.read(1)
		case '#':
			n := bytes.IndexByte(l.rest, '\n')
			if n < 0 {
				n = len(l.rest)
			}
			l.read(n)
		case ';', '{', '}':
			l.read(1)
			return token{kind: map[byte]int{';': end, '{': open, '}': shut}[c], line: l.line}, nil
		case '"', '\'':
			return l.quoted(c)
		default:
			return l.word(), nil
		}
	}
	return token{kind: after, line: l.line}, nil
}

// quoted reads a quoted string and wants what nginx wants behind it.
func (l *lexer) quoted(quote byte) (token, error) {
	t := token{kind: word, line: l.line}
	n := 1
	for n < len(l.rest) && l.rest[n] != quote {
		if l.rest[n] == '\\' {
			n++
		}
		n++
	}
	if n >= len(l.rest) {
		return t, l.fail(t.line, "the quote %c has no end", quote)
	}
	t.text = unescape(string(l.read(n + 1)[1:n]))
	if len(l.rest) > 0 && !strings.ContainsRune(" \t\r\n;{)", rune(l.rest[0])) {
		return t, l.fail(l.line, "after a closing quote a space, ; or { must follow, not %q", first(l.rest))
	}
	return t, nil
}

func first(rest []byte) rune {
	r, _ := utf8.DecodeRune(rest)
	return r
}

// word reads up to a space, a semicolon or a brace that opens a block. "${" opens none.
func (l *lexer) word() token {
	t := token{kind: word, line: l.line}
	n := 0
	for n < len(l.rest) {
		c := l.rest[n]
		if c == '\\' {
			n = min(n+2, len(l.rest))
			continue
		}
		if strings.IndexByte(" \t\r\n;", c) >= 0 || c == '{' && (n == 0 || l.rest[n-1] != '$') {
			break
		}
		n++
	}
	t.text = unescape(string(l.read(n)))
	return t
}

// escapes are what a backslash may stand before; it stays before anything else, as regular
// expressions need it.
var escapes = map[byte]byte{'"': '"', '\'': '\'', '\\': '\\', 't': '\t', 'r': '\r', 'n': '\n'}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if plain, known := escapes[s[i+1]]; known {
				b.WriteByte(plain)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// lua reads code up to the brace that ends its block, and that brace.
func (l *lexer) lua() (string, error) {
	began, depth := l.line, 0
	for n := 0; n < len(l.rest); {
		switch rest := l.rest[n:]; {
		case rest[0] == '{':
			depth++
			n++
		case rest[0] == '}' && depth == 0:
			code := string(l.read(n))
			l.read(1)
			return code, nil
		case rest[0] == '}':
			depth--
			n++
		default:
			n += skipLua(rest)
		}
	}
	return "", l.fail(began, "the block of Lua code has no end")
}

// skipLua returns the length of the string, comment or byte that the code begins with.
func skipLua(code []byte) int {
	comment := 0
	if bytes.HasPrefix(code, []byte("--")) {
		comment = 2
	}
	if level, long := longBracket(code[comment:]); long {
		closing := "]" + strings.Repeat("=", level) + "]"
		if n := bytes.Index(code, []byte(closing)); n >= 0 {
			return n + len(closing)
		}
		return len(code)
	}
	switch {
	case comment > 0:
		if n := bytes.IndexByte(code, '\n'); n >= 0 {
			return n
		}
		return len(code)
	case code[0] == '"' || code[0] == '\'':
		for n := 1; n < len(code); n++ {
			switch code[n] {
			case '\\':
				n++
			case code[0], '\n': // a string of Lua ends on its line
				return n + 1
			}
		}
		return len(code)
	}
	return 1
}

// longBracket reports whether the code begins with [[, [=[, [==[ and so on.
func longBracket(code []byte) (level int, long bool) {
	if len(code) == 0 || code[0] != '[' {
		return 0, false
	}
	rest := bytes.TrimLeft(code[1:], "=")
	return len(code) - 1 - len(rest), len(rest) > 0 && rest[0] == '['
}
