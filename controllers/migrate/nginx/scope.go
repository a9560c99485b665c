package nginx

import (
	"strings"

	"github.com/fairlead/fairlead/controllers/migrate/nginx/syntax"
)

// scope is a block and the blocks around it, from which it inherits.
type scope struct {
	outer *scope
	list  []*syntax.Directive
}

func (s *scope) inner(list []*syntax.Directive) *scope { return &scope{outer: s, list: list} }

// own returns the directives of a name in the block itself.
func (s *scope) own(names ...string) []*syntax.Directive {
	var found []*syntax.Directive
	for _, d := range s.list {
		for _, name := range names {
			if d.Name == name {
				found = append(found, d)
			}
		}
	}
	return found
}

// ownOne returns the first directive of a name in the block itself, or nil.
func (s *scope) ownOne(name string) *syntax.Directive {
	if found := s.own(name); len(found) > 0 {
		return found[0]
	}
	return nil
}

// all returns the directives of some names from the nearest block that has any: nginx inherits lists
// such as proxy_set_header only where a block has none of its own.
func (s *scope) all(names ...string) []*syntax.Directive {
	for ; s != nil; s = s.outer {
		if found := s.own(names...); len(found) > 0 {
			return found
		}
	}
	return nil
}

// one returns the nearest directive of a name, or nil.
func (s *scope) one(name string) *syntax.Directive {
	if found := s.all(name); len(found) > 0 {
		return found[0]
	}
	return nil
}

// on returns the nearest directive of a name when its argument is "on", or nil.
func (s *scope) on(name string) *syntax.Directive {
	if d := s.one(name); d != nil && strings.EqualFold(d.Arg(0), "on") {
		return d
	}
	return nil
}
