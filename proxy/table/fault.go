package table

import "fmt"

// RouteError is what is wrong with one route of a configuration. The errors of [Compile] about routes
// are of this type, so that their owners can be told.
type RouteError struct {
	ID  string
	Err error
}

// Error names the route and what is wrong.
func (e *RouteError) Error() string { return fmt.Sprintf("route %q: %v", e.ID, e.Err) }

// Unwrap returns what is wrong.
func (e *RouteError) Unwrap() error { return e.Err }

// fault notes what is wrong with a route.
func (c *compilation) fault(id, format string, args ...any) {
	c.errs = append(c.errs, &RouteError{id, fmt.Errorf(format, args...)})
}
