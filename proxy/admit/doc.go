// Package admit decides whether a matched request may go on to an endpoint. What a route asks of
// requests is compiled into a [Policy] together with the route table: a chain of small checks, one
// file for each, in the order in which [Admit] asks them. What a check finds out that others need to
// know goes into the [Grant].
//
// A check may look only at what can't be forged: [Subject.Client] is the address that trust leads to,
// never what a header says.
package admit
