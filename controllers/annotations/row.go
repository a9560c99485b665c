package annotations

import (
	"errors"
	"slices"
)

// The prefixes of annotation keys.
const (
	OurPrefix   = "fairlead.dev/"
	NginxPrefix = "nginx.ingress.kubernetes.io/"
	// f5Prefix belongs to another controller; a few of its annotations are often tried for WebSockets.
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
	// Phantom: never existed in the controller that it is believed to belong to; the owner is told.
	Phantom
)

// String returns the word that docs/annotations.md uses.
func (s Support) String() string {
	return [...]string{"served", "needless", "unsupported", "phantom"}[s&3]
}

// Row is one annotation.
type Row struct {
	// Prefix and Name make the key.
	Prefix, Name string
	// Group is the heading under which the documentation has it.
	Group   string
	Support Support
	// Type says, for people, what a value looks like; "" where values don't matter.
	Type string
	// Default says, for people, what counts without the annotation.
	Default string
	// Example is a valid value; the tests parse it.
	Example string
	// Doc says what the annotation does or, when it is not served, what to do instead.
	Doc string
	// Differs says how a row of ingress-nginx that counts differs from what it does there. "": it
	// behaves exactly so.
	Differs string
	// WhenSet says that the difference is felt by who has written a value that counts. Otherwise it is
	// about the annotation's absence, values that are refused, or what never touched a socket.
	WhenSet bool
	// Guards marks what keeps clients out. A value that can't be read is never ignored then: the
	// paths are answered with 503 until it is corrected.
	Guards bool
	// PerObject marks what makes no sense as a default of all objects of a class.
	PerObject bool

	// sets lists the fields of a draft that parse may set, for finding clashes between prefixes.
	sets []string
	// needs is what the row means nothing without. nil: it stands for itself.
	needs *need
	// parse reads a value into d. What it tells d of is told to the owner although the value counts.
	parse parser
	// judge says more about a value of a row that is not served than Doc does, and whether anything is
	// lost with it. nil: there is no more to say.
	judge func(value string) (says string, lost bool)
}

// parser is the signature of Row.parse.
type parser = func(value string, d *draft) error

// Key returns the annotation's whole name.
func (r *Row) Key() string { return r.Prefix + r.Name }

// Verdict is what somebody who comes from ingress-nginx wants to know of an annotation.
type Verdict string

// The verdicts.
const (
	Exact   Verdict = "exact"   // it does what it does there
	Differs Verdict = "differs" // it counts, and Differs of its row says what is different
	Refused Verdict = "refused" // it is ignored, and its owner is told
)

// Verdict returns the verdict on a row of ingress-nginx.
func (r *Row) Verdict() Verdict {
	switch {
	case r.Support == Unsupported || r.Support == Phantom:
		return Refused
	case r.Differs != "":
		return Differs
	}
	return Exact
}

// Rows returns the table in the order in which annotations are applied: later ones win.
func Rows() []Row { return slices.Clone(table) }

// Find returns the row of a key.
func Find(key string) (Row, bool) {
	i, found := position[key]
	if !found {
		return Row{}, false
	}
	return table[i], true
}

// table is every annotation that Fairlead knows.
var table = slices.Concat(nginxRows, refusedRows, ourRows)

// nginxRows are the annotations of ingress-nginx that count here, with its units and meanings.
var nginxRows = prefixed(NginxPrefix, slices.Concat(
	grouped(groupTimeouts, nginxTimeoutRows),
	grouped(groupRetries, nginxRetryRows),
	grouped(groupBalance, nginxBalanceRows),
	grouped(groupSticky, nginxStickyRows),
	grouped(groupCanary, nginxCanaryRows),
	grouped(groupPaths, nginxPathRows),
	grouped(groupRedirects, nginxRedirectRows),
	grouped(groupLimits, nginxLimitRows),
	grouped(groupAccess, nginxAccessRows),
	grouped(groupAuth, nginxAuthRows),
	grouped(groupClientCert, nginxClientCertRows),
	grouped(groupBackend, nginxBackendRows),
	grouped(groupHeaders, nginxHeaderRows),
	grouped(groupBodies, nginxBodyRows),
))

// ourRows stand last in the table, because they win.
var ourRows = prefixed(OurPrefix, slices.Concat(
	grouped(groupTimeouts, ourTimeoutRows),
	grouped(groupKeepalive, ourKeepaliveRows),
	grouped(groupDrain, ourDrainRows),
	grouped(groupRetries, ourRetryRows),
	grouped(groupBalance, ourBalanceRows),
	grouped(groupSticky, ourStickyRows),
	grouped(groupPaths, ourPathRows),
	grouped(groupRedirects, ourRedirectRows),
	grouped(groupLimits, ourLimitRows),
	grouped(groupAccess, ourAccessRows),
	grouped(groupAuth, ourAuthRows),
	grouped(groupBackend, ourBackendRows),
	grouped(groupHeaders, ourHeaderRows),
))

// The headings of the documentation.
const (
	groupTimeouts   = "Timeouts"
	groupKeepalive  = "Keepalive"
	groupDrain      = "Drain"
	groupRetries    = "Retries"
	groupBalance    = "Balancing"
	groupSticky     = "Sticky cookies"
	groupCanary     = "Canaries"
	groupPaths      = "Hosts, paths and backends"
	groupRedirects  = "Redirects and TLS of clients"
	groupLimits     = "Limits"
	groupAccess     = "Who is let in"
	groupAuth       = "External authentication"
	groupClientCert = "Client certificates"
	groupBackend    = "The way to the endpoints"
	groupHeaders    = "Headers, CORS and logs"
	groupBodies     = "Bodies and buffers"
)

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

// grouped gives the rows their heading.
func grouped(heading string, rows []Row) []Row {
	for i := range rows {
		rows[i].Group = heading
	}
	return rows
}

// errUnsupported marks a value that is valid where the annotation comes from, and not served here.
var errUnsupported = errors.New("not supported")
