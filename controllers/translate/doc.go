// Package translate thinks: it makes of a snapshot what the data plane is to do, and a report of
// what became of every object. [Build] is pure. It has no client, no clock and no logger, and it
// returns no error: a bad object, or a bad part of one, costs itself and is told in the report.
//
// Each file is about one subject: a kind of object, a part of one, or what several kinds share.
//
// # Order
//
// The oldest object keeps what two of them claim, but what is less than a rule comes after the rules of
// all objects, whoever is older: aliases, then default backends, redirects of / and of the www name,
// canaries, and at last the controller's own default backend.
//
// # What can't be read
//
// A part that only improves a route is left out and told. A part that guards one, or proves that an
// endpoint is the right one, closes the route: it is answered 503 (model.Access.Sealed) until its
// owner mends it.
//
// # Route IDs
//
// A route's ID is a metric label and the key by which live counters are carried from table to
// table, so it depends on the one rule alone, not on its neighbours or on annotations:
//
//	ingress/NAMESPACE/NAME/HOST/PATH    a path; HOST is * for any host
//	ingress/NAMESPACE/NAME/HOST=/PATH   a path of type Exact
//	ingress/NAMESPACE/NAME/HOST         spec.defaultBackend on that host, or its redirect as www name
//	wsr/NAMESPACE/NAME/RULE             a rule by its name, or else its position
//	wsr/NAMESPACE/NAME/RULE/plain       its hosts without TLS, where others redirect to https
//	wsr/NAMESPACE/NAME/RULE/tls1.3      its hosts that want this version, where others don't
//	default-backend                     that of the controller
//
// What follows NAME is cut after 100 bytes; a hash then keeps it unique.
package translate
