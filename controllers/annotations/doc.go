// Package annotations reads the annotations of an Ingress: one table, in which a row is one
// annotation with its name, type, default, example, documentation and parser. Parsing, checks,
// docs/annotations.md and the tests range over that table, so they cannot drift apart.
//
// Two prefixes are understood: fairlead.dev/ and, for a drop-in change, nginx.ingress.kubernetes.io/
// with the units and meanings that ingress-nginx gives them. The built-in default is weakest, then
// comes nginx.ingress.kubernetes.io/, then fairlead.dev/.
//
// A value that can't be read is never zero: the annotation is ignored and its owner is told.
// There is no client, no clock and no logger in here.
package annotations
