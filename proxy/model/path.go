package model

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// PathType says how a path is compared.
type PathType uint8

const (
	// Prefix matches whole path elements: /chat matches /chat, /chat/ and /chat/room, not /chats.
	// A trailing slash of the value counts for nothing.
	Prefix PathType = iota
	// Exact matches the whole path, case-sensitively; a trailing slash makes a difference.
	Exact
	// RegularExpression matches the path's beginning against an RE2 expression.
	RegularExpression
)

// String returns the type's name as users write it.
func (t PathType) String() string {
	return [...]string{"Prefix", "Exact", "RegularExpression"}[t%3]
}

// PathMatch is a condition on the decoded path of a request.
type PathMatch struct {
	Type PathType
	// Value starts with "/" for Prefix and Exact. The zero PathMatch is the prefix "/".
	Value string
}

// Canonical makes matches equal that mean the same: a Prefix has no trailing slash but for "/".
func (p PathMatch) Canonical() PathMatch {
	if p.Type == Prefix {
		p.Value = cmp.Or(strings.TrimRight(p.Value, "/"), "/")
	}
	return p
}

// Regexp compiles a RegularExpression value, anchored at the start of the path: the one way in
// which such values are compiled, so that what validates is what runs.
func (p PathMatch) Regexp() (*regexp.Regexp, error) {
	// The bare expression first: wrapping could give sense to one that has none, such as a)|(b.
	_, err := regexp.Compile(p.Value)
	if err != nil {
		return nil, fmt.Errorf("%w (RE2 syntax: no look-around, no back-references)", err)
	}
	return regexp.Compile("^(?:" + p.Value + ")")
}

// Validate says what is wrong with the match, or returns nil.
func (p PathMatch) Validate() error {
	if p.Type == RegularExpression {
		_, err := p.Regexp()
		return err
	}
	if p.Value != "" && !strings.HasPrefix(p.Value, "/") {
		return fmt.Errorf("path %q must start with /", p.Value)
	}
	return nil
}
