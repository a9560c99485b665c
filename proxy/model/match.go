package model

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Match is what a route claims: a host and a path, and conditions that a request must meet besides.
// A request must meet all of them.
type Match struct {
	// Host is a lower-case name without port, "*.example.com" for exactly one leading label, or
	// "" for any host.
	Host string
	Path PathMatch
	// Headers are conditions on header fields; names count in any case.
	Headers []FieldMatch
	// QueryParams are conditions on the first value of parameters in the query.
	QueryParams []FieldMatch
	// Subprotocols are those of which the client must offer at least one in Sec-WebSocket-Protocol
	// (RFC 6455 section 11.3.4), compared exactly. None: whatever it offers.
	Subprotocols []string
}

// FieldMatch is a condition on a named value of a request.
type FieldMatch struct {
	Name  string
	Type  FieldMatchType
	Value string // not for FieldPresent
}

// FieldMatchType says how a value is compared.
type FieldMatchType uint8

const (
	// FieldExact compares the whole value, case-sensitively. Several lines of one header are joined
	// with ", " (RFC 9110 section 5.3).
	FieldExact FieldMatchType = iota
	// FieldRegularExpression wants the whole value to match an RE2 expression.
	FieldRegularExpression
	// FieldPresent wants the field to be there, with any value.
	FieldPresent
)

// String returns the type's name as users write it.
func (t FieldMatchType) String() string {
	return [...]string{"Exact", "RegularExpression", "Present", ""}[t&3]
}

// Regexp compiles the value of a FieldRegularExpression, anchored at both ends: the one way in which
// such values are compiled, so that what validates is what runs.
func (f FieldMatch) Regexp() (*regexp.Regexp, error) {
	if _, err := regexp.Compile(f.Value); err != nil { // the bare expression first, as in PathMatch.Regexp
		return nil, fmt.Errorf("%w (RE2 syntax: no look-around, no back-references)", err)
	}
	return regexp.Compile("^(?:" + f.Value + ")$")
}

// Validate says what is wrong with the match, or returns nil.
func (m Match) Validate() error {
	if err := m.Path.Validate(); err != nil {
		return err
	}
	for _, f := range slices.Concat(m.Headers, m.QueryParams) {
		if f.Type != FieldRegularExpression {
			continue
		}
		if _, err := f.Regexp(); err != nil {
			return fmt.Errorf("the condition on %s: %w", f.Name, err)
		}
	}
	return nil
}

// Unconditional reports whether host and path are all that counts.
func (m Match) Unconditional() bool {
	return len(m.Headers) == 0 && len(m.QueryParams) == 0 && len(m.Subprotocols) == 0
}

// MatchKey identifies a Match: two matches that mean the same have the same key, whatever the order
// of their conditions and the spelling of their header names.
type MatchKey struct {
	Host       string
	Path       PathMatch
	Conditions string
}

// Key returns what identifies the match.
func (m Match) Key() MatchKey {
	key := MatchKey{Host: m.Host, Path: m.Path.Canonical()}
	if m.Unconditional() {
		return key
	}
	var parts []string
	add := func(kind string, fields []FieldMatch, canonical func(string) string) {
		for _, f := range fields {
			parts = append(parts, fmt.Sprintf("%s %q %d %q", kind, canonical(f.Name), f.Type, f.Value))
		}
	}
	add("header", m.Headers, http.CanonicalHeaderKey)
	add("query", m.QueryParams, func(name string) string { return name })
	for _, s := range m.Subprotocols {
		parts = append(parts, fmt.Sprintf("subprotocol %q", s))
	}
	slices.Sort(parts)
	key.Conditions = strings.Join(slices.Compact(parts), "\n")
	return key
}
