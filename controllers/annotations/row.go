package annotations

import (
	"errors"
	"slices"
)

// The prefixes of annotation keys.
const (
	OurPrefix   = "fairlead.dev/"
	NginxPrefix = "nginx.ingress.kubernetes.io/"
	// f5Prefix belongs to another controller; two of its annotations are often tried for WebSockets.
	f5Prefix = "nginx.org/"
)

// Support says what Fairlead does with an annotation.
type Support uint8

// The kinds of support.
const (
	// Served: the value is read and counts.
	Served Support = iota
	// Needless: known, and without any effect here, because Fairlead always behaves as if it were
	// set well. Nobody is told.
	Needless
	// Unsupported: known and ignored; the owner is told what to do instead.
	Unsupported
	// Closed: it guards the Ingress in a way that Fairlead can't. To ignore it would open what it
	// guards, and to leave the paths to others might, so they are answered with 503.
	Closed
	// LeftOut: it makes the Ingress an addition to another one. By itself it would take the other's
	// requests, so it is not served at all.
	LeftOut
	// Phantom: never existed in the controller that it is believed to belong to; the owner is told.
	Phantom
)

// String returns the word that docs/annotations.md uses.
func (s Support) String() string {
	return [...]string{"served", "needless", "unsupported", "closed", "left out", "phantom"}[s%6]
}

// Row is one annotation.
type Row struct {
	// Prefix and Name make the key.
	Prefix, Name string
	Support      Support
	// Type says, for people, what a value looks like; "" where values don't matter.
	Type string
	// Default says, for people, what counts without the annotation.
	Default string
	// Example is a valid value; the tests parse it.
	Example string
	// Doc says what the annotation does or, when it is not served, what to do instead.
	Doc string

	// sets lists the fields of a draft that parse may set, for finding clashes between prefixes.
	sets []string
	// needsCookie marks rows that mean nothing without a sticky cookie.
	needsCookie bool
	// parse reads a value into d. A note is told to the owner although the value counts.
	parse func(value string, d *draft) (note string, err error)
}

// Key returns the annotation's whole name.
func (r *Row) Key() string { return r.Prefix + r.Name }

// Rows returns the table in the order in which annotations are applied: later ones win.
func Rows() []Row { return slices.Clone(table) }

// table is every annotation that Fairlead knows.
var table = slices.Concat(nginxRows, nginxOtherRows, ourRows)

// position finds a row of the table by its key.
var position = func() map[string]int {
	m := make(map[string]int, len(table))
	for i := range table {
		m[table[i].Key()] = i
	}
	return m
}()

// prefixed gives the rows their prefix.
func prefixed(prefix string, rows []Row) []Row {
	for i := range rows {
		rows[i].Prefix = prefix
	}
	return rows
}

// errUnsupported marks a value that is valid where the annotation comes from, and not served here.
var errUnsupported = errors.New("not supported")
