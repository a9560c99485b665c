package nginxsyntax

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// What a configuration may have at most. nginx has no such bounds; no configuration that somebody
// wrote comes near them.
const (
	MaxBytes      = 8 << 20 // of all files together
	MaxDirectives = 200_000
	maxDepth      = 100 // blocks in blocks, and files that include each other
)

// Source is where files come from.
type Source struct {
	// Read returns a file's content. An error that is fs.ErrNotExist makes an include be told, and any
	// other error ends the reading.
	Read func(name string) ([]byte, error)
	// Glob returns the names that match a pattern with *, ? or [, in order.
	Glob func(pattern string) ([]string, error)
}

// Missing is an include of which there is no file.
type Missing struct {
	Include *Directive
	Tried   []string
}

// Config is what Parse read.
type Config struct {
	Directives []*Directive // without those of include, which the files' own ones replace
	Includes   []*Directive
	Missing    []Missing
}

// Parse reads a configuration and all that it includes. Names of includes count from the folder of the
// first file. An absolute name that is not there is looked for under that folder too, behind
// /etc/nginx/, so that a copy of that folder can be read anywhere. Errors are of type *Error, or those
// of source.
func Parse(name string, content []byte, source Source) (*Config, error) {
	p := &parser{source: source, root: path.Dir(name)}
	list, err := p.file(name, content)
	if err != nil {
		return nil, err
	}
	p.config.Directives = list
	return &p.config, nil
}

type parser struct {
	source     Source
	root       string
	config     Config
	files      []string // that are being read, each included by the one before
	bytes      int
	directives int
	depth      int
}

func (p *parser) file(name string, content []byte) ([]*Directive, error) {
	if p.bytes += len(content); p.bytes > MaxBytes {
		return nil, &Error{name, 1, fmt.Sprintf("more than %d MiB, with what was read before: this is no configuration that somebody wrote", MaxBytes>>20)}
	}
	l, err := newLexer(name, content)
	if err != nil {
		return nil, err
	}
	p.files = append(p.files, name)
	defer func() { p.files = p.files[:len(p.files)-1] }()
	return p.block(l, nil)
}

// block reads directives up to the end of the block that of opened, or of the file.
func (p *parser) block(l *lexer, of *Directive) ([]*Directive, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, l.fail(l.line, "blocks or includes are nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	list := []*Directive{}
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case after:
			if of != nil {
				return nil, l.fail(l.line, "the file ends within the block of %s, which line %d opened: is a } missing?", of.Name, of.Line)
			}
			return list, nil
		case shut:
			if of == nil {
				return nil, l.fail(t.line, "a } that closes nothing")
			}
			return list, nil
		case word:
			d, err := p.directive(l, t)
			if err != nil {
				return nil, err
			}
			if list, err = p.add(list, d); err != nil {
				return nil, err
			}
		default:
			return nil, l.fail(t.line, "a directive's name must stand before %s", [...]string{end: ";", open: "{"}[t.kind])
		}
	}
}

// directive reads what follows a directive's name.
func (p *parser) directive(l *lexer, name token) (*Directive, error) {
	if p.directives++; p.directives > MaxDirectives {
		return nil, l.fail(name.line, "more than %d directives: this is no configuration that somebody wrote", MaxDirectives)
	}
	d := &Directive{File: l.file, Line: name.line, Name: name.text}
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case word:
			d.Args = append(d.Args, t.text)
		case end:
			return d, nil
		case open:
			if strings.HasSuffix(d.Name, "_by_lua_block") {
				d.Block = []*Directive{}
				d.Code, err = l.lua()
				return d, err
			}
			d.Block, err = p.block(l, d)
			return d, err
		case shut:
			return nil, l.fail(t.line, "a } within the directive %s of line %d: is a ; missing before it?", d, d.Line)
		case after:
			return nil, l.fail(t.line, "the file ends within the directive %s of line %d: is a ; missing?", d, d.Line)
		}
	}
}

// add appends the directive, or what it includes.
func (p *parser) add(list []*Directive, d *Directive) ([]*Directive, error) {
	if d.Name != "include" || d.Block != nil {
		return append(list, d), nil
	}
	p.config.Includes = append(p.config.Includes, d)
	if len(d.Args) != 1 {
		return nil, &Error{d.File, d.Line, "include wants one name"}
	}
	found, tried, err := p.find(d)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && !isPattern(d.Args[0]) {
		p.config.Missing = append(p.config.Missing, Missing{Include: d, Tried: tried})
	}
	for _, f := range found {
		for _, open := range p.files {
			if open == f.name {
				return nil, &Error{d.File, d.Line, fmt.Sprintf("include %s: the file includes itself", d.Args[0])}
			}
		}
		included, err := p.file(f.name, f.content)
		if err != nil {
			return nil, err
		}
		list = append(list, included...)
	}
	return list, nil
}

type foundFile struct {
	name    string
	content []byte
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// find reads the files of an include.
func (p *parser) find(d *Directive) (found []foundFile, tried []string, err error) {
	names := []string{path.Join(p.root, d.Args[0])}
	if path.IsAbs(d.Args[0]) {
		names[0] = path.Clean(d.Args[0])
		if below, ok := strings.CutPrefix(names[0], "/etc/nginx/"); ok {
			names = append(names, path.Join(p.root, below))
		}
	}
	for _, name := range names {
		matches := []string{name}
		if isPattern(name) {
			if p.source.Glob == nil {
				continue
			}
			if matches, err = p.source.Glob(name); err != nil {
				return nil, nil, &Error{d.File, d.Line, fmt.Sprintf("include %s: %v", d.Args[0], err)}
			}
		}
		for _, match := range matches {
			content, err := p.read(match)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				tried = append(tried, match)
			case err != nil:
				return nil, nil, &Error{d.File, d.Line, fmt.Sprintf("include %s: %v", d.Args[0], err)}
			default:
				found = append(found, foundFile{match, content})
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found, tried, nil
}

func (p *parser) read(name string) ([]byte, error) {
	if p.source.Read == nil {
		return nil, fs.ErrNotExist
	}
	return p.source.Read(name)
}
