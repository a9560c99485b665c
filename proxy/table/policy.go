package table

import "github.com/fairlead/fairlead/proxy/admit"

// policy compiles what the route asks of requests. What can't be compiled seals the route.
func (c *compilation) policy(r *Route) {
	var err error
	if r.Policy, err = admit.NewPolicy(&r.Route); err != nil {
		c.refuse("route %q: %w", r.ID, err)
	}
}
