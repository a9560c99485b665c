package nginxsyntax

import (
	"fmt"
	"iter"
	"strings"
)

// Directive is a name, its arguments and, maybe, a block.
type Directive struct {
	// File and Line say where the name stands; lines count from 1.
	File string
	Line int
	Name string
	Args []string
	// Block is what stands between braces. It is nil for a directive that ends with a semicolon, and
	// empty, not nil, for braces with nothing between them.
	Block []*Directive
	// Code is the Lua code of a directive whose name ends with _by_lua_block; its Block is empty.
	Code string
}

// At returns "file:line".
func (d *Directive) At() string { return fmt.Sprintf("%s:%d", d.File, d.Line) }

// Arg returns the argument at position i, counted from 0, or "".
func (d *Directive) Arg(i int) string {
	if i < len(d.Args) {
		return d.Args[i]
	}
	return ""
}

// String returns the directive in one line, without its block and shortened if need be.
func (d *Directive) String() string {
	const longest = 120
	var b strings.Builder
	b.WriteString(d.Name)
	for _, arg := range d.Args {
		b.WriteByte(' ')
		b.WriteString(quoted(arg))
		if b.Len() > longest {
			break
		}
	}
	text := []rune(b.String())
	if len(text) > longest {
		return string(text[:longest-1]) + "…"
	}
	return string(text)
}

func quoted(arg string) string {
	if arg == "" || strings.ContainsAny(arg, " \t\r\n;{}\"'#") && !strings.Contains(arg, "${") {
		return fmt.Sprintf("%q", arg)
	}
	return arg
}

// All returns the directives and all below them, each before its block.
func All(list []*Directive) iter.Seq[*Directive] {
	return func(yield func(*Directive) bool) { all(list, yield) }
}

func all(list []*Directive, yield func(*Directive) bool) bool {
	for _, d := range list {
		if !yield(d) || !all(d.Block, yield) {
			return false
		}
	}
	return true
}
