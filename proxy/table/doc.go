// Package table compiles a model.Config into an immutable route table and finds the route of a
// request in it.
//
// A [Table] has no goroutine and nothing to close; the server swaps one pointer to publish it.
// What did not change is shared with the table before: routes and backends that are equal,
// certificates with the same bytes, hosts whose routes are all the same. Routes are allocated one
// by one, so that a session that holds one never pins the others.
//
// Precedence is that of Gateway API: the most specific host first (exact, wildcard, any), then the
// path: Exact, RegularExpression (longest expression first), Prefix (longest first). On one path those
// with more conditions on headers, then on query parameters, then on subprotocols, then in the order
// of the configuration. A request that fails the conditions of a route goes on to the next. A host that
// matches while none of its paths does hands on to the next less specific host.
package table
