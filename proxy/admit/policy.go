package admit

import "github.com/fairlead/fairlead/proxy/model"

// Policy is what a route asks of requests, ready to be asked often. It is immutable but for what it
// remembers of answers.
type Policy struct {
	route *model.Route
}

// NewPolicy compiles the policy of a route. With an error the policy is usable and lets nobody in
// where the part that is wrong would have refused somebody.
func NewPolicy(r *model.Route) (*Policy, error) { return &Policy{route: r}, nil }

// Waits reports whether the checks may take long: they ask another service, or hash passwords. Such
// requests must not be served on an event loop.
func (p *Policy) Waits() bool { return p.route.Access.External != nil || p.route.Access.Basic != nil }
