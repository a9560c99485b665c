// Package translate thinks: it makes of a snapshot what the data plane is to do, and a report of
// what became of every object. [Build] is pure. It has no client, no clock and no logger, and it
// returns no error: a bad object, or a bad part of one, costs itself and is told in the report.
//
// Each file is about one kind of object; policy.go and conflict.go are about what two kinds share.
//
// # Route IDs
//
// A route's ID is a metric label and the key by which live counters are carried from table to
// table, so it depends on the one rule alone, not on its neighbours or on annotations:
//
//	ingress/NAMESPACE/NAME/HOST/PATH    a path; HOST is * for any host
//	ingress/NAMESPACE/NAME/HOST=/PATH   a path of type Exact
//	ingress/NAMESPACE/NAME/HOST         spec.defaultBackend on that host
//	wsr/NAMESPACE/NAME/RULE             a rule by its name, or else its position
//	wsr/NAMESPACE/NAME/RULE/plain       its hosts without TLS, where others redirect to https
//
// What follows NAME is cut after 100 bytes; a hash then keeps it unique.
package translate
