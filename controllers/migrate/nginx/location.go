package nginx

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// locationKind is a location's modifier.
type locationKind uint8

const (
	exact       locationKind = iota // =
	firstPrefix                     // ^~
	nestedRegex                     // ~ or ~* within another location
	regex                           // ~
	prefix                          // none
	named                           // @name
)

// location is a location of a server, taken out of those around it.
type location struct {
	d      *nginxsyntax.Directive
	server *server
	scope  *scope
	kind   locationKind
	value  string
	fold   bool   // ~*
	within string // the prefix of the location around a nestedRegex
}

// locationsOf returns the locations in the order in which nginx would take them: exact ones, prefixes
// that keep expressions out, expressions as they stand in the file (nested ones, which are asked first,
// before the others), prefixes; of prefixes the longest first. Named ones are apart.
func (m *migration) locationsOf(s *server) (list []*location, byName map[string]*location) {
	if s.named != nil {
		return s.locations, s.named
	}
	defer func() { s.locations, s.named = list, byName }()
	byName = map[string]*location{}
	m.collect(s, s.scope, nil, &list)
	if len(list) > maxLocations {
		for _, l := range list[maxLocations:] {
			m.silence(l.d.Block)
			m.lost(l.d, fmt.Sprintf("the %d locations before it are migrated, and no more for one server", maxLocations), "write rules by hand")
		}
		list = list[:maxLocations]
	}
	list = slices.DeleteFunc(list, func(l *location) bool {
		if l.kind == named {
			byName[l.value] = l
		}
		return l.kind == named
	})
	m.withinFirst(list)
	slices.SortStableFunc(list, func(a, b *location) int {
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		if a.kind == prefix || a.kind == firstPrefix {
			return len(b.value) - len(a.value)
		}
		return 0
	})
	return list, byName
}

// withinFirst gives a prefix that lies within one with ^~ the same place, before the expressions: it is
// longer, so that nginx takes it. That nginx would ask the expressions before it is lost.
func (m *migration) withinFirst(list []*location) {
	for _, l := range list {
		if l.kind != prefix || l.value == "/" || !slices.ContainsFunc(list, func(o *location) bool {
			return o.kind == firstPrefix && strings.HasPrefix(l.value, o.value)
		}) {
			continue
		}
		l.kind = firstPrefix
		if slices.ContainsFunc(list, func(o *location) bool { return o.kind == regex || o.kind == nestedRegex }) {
			m.differs(l.d, "the location lies within one with ^~, so that expressions are not asked before it; nginx asks them", "write a rule for paths that both match")
		}
	}
}

func (m *migration) collect(s *server, at *scope, around *location, to *[]*location) {
	for _, d := range at.own("location") {
		if d.Block == nil {
			continue
		}
		l := &location{d: d, server: s, scope: at.inner(d.Block)}
		if !m.readModifier(l, around) {
			continue
		}
		m.silent(d)
		*to = append(*to, l)
		m.collect(s, l.scope, l, to)
	}
}

// readModifier reads what stands between location and its block.
func (m *migration) readModifier(l *location, around *location) bool {
	modifier, value := "", l.d.Arg(0)
	if len(l.d.Args) > 1 {
		modifier, value = l.d.Arg(0), l.d.Arg(1)
	} else {
		for _, glued := range []string{"~*", "^~", "~", "="} { // "location =/x" is taken too
			if rest, is := strings.CutPrefix(value, glued); is {
				modifier, value = glued, rest
				break
			}
		}
	}
	l.value = value
	switch modifier {
	case "=":
		l.kind = exact
	case "^~":
		l.kind = firstPrefix
	case "~", "~*":
		l.kind, l.fold = regex, modifier == "~*"
		if around != nil && around.kind != regex && around.kind != nestedRegex {
			l.kind, l.within = nestedRegex, around.value
		}
	default:
		l.kind = prefix
		if strings.HasPrefix(value, "@") {
			l.kind = named
		}
	}
	if l.kind <= firstPrefix || l.kind == prefix {
		if !strings.HasPrefix(value, "/") {
			m.lost(l.d, "a location that begins with no / matches no request", "")
			m.silence(l.d.Block)
			return false
		}
		if clean := path.Clean(value); strings.Contains(value, "//") || clean != value && clean+"/" != value {
			m.kept(l.d, "never reached in nginx either: // and dots are resolved before")
			m.silence(l.d.Block)
			return false
		}
	}
	return true
}

// isInternal reports whether clients can't ask for the location.
func (l *location) isInternal() bool { return l.scope.ownOne("internal") != nil }

// ruleName is a name for what the location becomes.
func (l *location) ruleName() string {
	if l.kind == exact || l.kind == firstPrefix || l.kind == prefix {
		return objectName(l.value, "root")
	}
	return objectName(strings.NewReplacer(`\.`, "-", `\`, "").Replace(l.value), "expression")
}
