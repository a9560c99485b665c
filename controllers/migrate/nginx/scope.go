package nginx

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// scope is a block and the blocks around it, from which it inherits.
type scope struct {
	outer *scope
	list  []*nginxsyntax.Directive
	index map[string][]*nginxsyntax.Directive // by name, made when it is asked for
}

func (s *scope) inner(list []*nginxsyntax.Directive) *scope { return &scope{outer: s, list: list} }

// own returns the directives of some names in the block itself, in order.
func (s *scope) own(names ...string) []*nginxsyntax.Directive {
	if s.index == nil {
		s.index = map[string][]*nginxsyntax.Directive{}
		for _, d := range s.list {
			s.index[d.Name] = append(s.index[d.Name], d)
		}
	}
	if len(names) == 1 {
		found := s.index[names[0]]
		return found[:len(found):len(found)]
	}
	if !slices.ContainsFunc(names, func(name string) bool { return s.index[name] != nil }) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.list), func(d *nginxsyntax.Directive) bool { return !slices.Contains(names, d.Name) })
}

// ownOne returns the first directive of a name in the block itself, or nil.
func (s *scope) ownOne(name string) *nginxsyntax.Directive {
	if found := s.own(name); len(found) > 0 {
		return found[0]
	}
	return nil
}

// all returns the directives of some names from the nearest block that has any: nginx inherits lists
// such as proxy_set_header only where a block has none of its own.
func (s *scope) all(names ...string) []*nginxsyntax.Directive {
	for ; s != nil; s = s.outer {
		if found := s.own(names...); len(found) > 0 {
			return found
		}
	}
	return nil
}

// one returns the nearest directive of a name, or nil.
func (s *scope) one(name string) *nginxsyntax.Directive {
	if found := s.all(name); len(found) > 0 {
		return found[0]
	}
	return nil
}

// on returns the nearest directive of a name when its argument is "on", or nil.
func (s *scope) on(name string) *nginxsyntax.Directive {
	if d := s.one(name); d != nil && strings.EqualFold(d.Arg(0), "on") {
		return d
	}
	return nil
}
