// Package admit decides whether a matched request may go on to an endpoint: a chain of small
// checks, each of which admits or refuses. A check looks at a [Subject] and nothing else; what it
// needs to know of a route is a field there.
package admit
