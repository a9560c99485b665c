package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// mapping is a map block: a variable whose value is chosen by another one's.
type mapping struct {
	at      *nginxsyntax.Directive
	source  string
	entries []mapEntry
	initial string // of default
}

type mapEntry struct {
	d     *nginxsyntax.Directive
	key   string
	value string
	re    *regexp.Regexp // for keys that begin with ~
}

func newMapping(d *nginxsyntax.Directive) *mapping {
	m := &mapping{at: d, source: d.Arg(0)}
	for _, e := range d.Block {
		switch {
		case len(e.Args) == 0: // hostnames, volatile
		case e.Name == "default":
			m.initial = e.Arg(0)
		default:
			entry := mapEntry{d: e, key: strings.TrimPrefix(e.Name, `\`), value: e.Arg(0)}
			if expression, is := strings.CutPrefix(e.Name, "~"); is {
				fold := ""
				if folded, is := strings.CutPrefix(expression, "*"); is {
					expression, fold = folded, "(?i)"
				}
				entry.re, _ = regexp.Compile(fold + expression)
			}
			m.entries = append(m.entries, entry)
		}
	}
	return m
}

// value returns what the map makes of a value of its source: an equal key counts before an expression.
func (m *mapping) value(of string) string {
	for _, e := range m.entries {
		if e.re == nil && strings.EqualFold(e.key, of) {
			return e.value
		}
	}
	for _, e := range m.entries {
		if e.re != nil && e.re.MatchString(of) {
			return e.value
		}
	}
	return m.initial
}

// variables knows what can be known about variables before there is a request.
type variables struct {
	maps map[string]*mapping // by the variable's name
}

// reference finds variables in a text.
var reference = regexp.MustCompile(`\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))`)

// names returns the variables of a text, in order.
func names(text string) []string {
	var list []string
	for _, found := range reference.FindAllStringSubmatch(text, -1) {
		list = append(list, found[1]+found[2])
	}
	return list
}

// expand replaces the variables whose value is known: those of given, those of maps whose source is
// known, and those that set gives a constant in the block or around it. known says whether none is left.
func (v *variables) expand(text string, given map[string]string, at *scope) (result string, known bool) {
	return (&expansion{v, given, at, 1000}).of(text, 0)
}

// expansion is one run of expand.
type expansion struct {
	*variables
	given map[string]string
	at    *scope
	// left bounds the work: variables can be made of variables that are made of variables.
	left int
}

func (v *expansion) of(text string, depth int) (result string, known bool) {
	if depth > 8 || v.left <= 0 { // set $a $a
		return text, false
	}
	known = true
	result = reference.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "${}")
		v.left--
		if value, is := v.given[name]; is {
			return value
		}
		if m := v.maps[name]; m != nil {
			if source, is := v.of(m.source, depth+1); is {
				if value, is := v.of(m.value(source), depth+1); is {
					return value
				}
			}
		} else if text, is := constant(name, v.at); is {
			if value, is := v.of(text, depth+1); is {
				return value
			}
		}
		known = false
		return found
	})
	return result, known
}

// constant returns what set gives a variable, when there is one set alone and none in an if.
func constant(name string, at *scope) (string, bool) {
	for ; at != nil; at = at.outer {
		conditional := slices.ContainsFunc(at.own("if"), func(d *nginxsyntax.Directive) bool {
			for in := range nginxsyntax.All(d.Block) {
				if in.Name == "set" && in.Arg(0) == "$"+name {
					return true
				}
			}
			return false
		})
		if conditional {
			return "", false
		}
		found := slices.DeleteFunc(slices.Clone(at.own("set")), func(d *nginxsyntax.Directive) bool { return d.Arg(0) != "$"+name })
		if len(found) > 0 {
			return found[len(found)-1].Arg(1), len(found) == 1
		}
	}
	return "", false
}
