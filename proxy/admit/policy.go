package admit

import (
	"errors"
	"fmt"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// Policy is what a route asks of requests, ready to be asked often. It is immutable but for what it
// remembers of answers; parts that are nil ask nothing. It does not hold the route: it may outlive it.
type Policy struct {
	protocols       model.Protocols
	redirectHTTPS   bool
	insecureUpgrade model.InsecureUpgrade
	maxBody         int64
	oneIsEnough     bool

	limits     *limits
	cors       *cors
	addresses  *addresses
	clientCert *clientCert
	origins    *origins
	basic      *basic
	external   *external
	edits      edits
	sealed     string // why nobody may be let in
	challenges bool   // the route is for ACME challenges alone
	err        error
}

// NewPolicy compiles the policy of a route; zone has the counters of its limits. What is wrong with
// the route is told by [Policy.Err]: the policy is usable nevertheless, and lets nobody in where the
// part that is wrong would have refused somebody.
func NewPolicy(r *model.Route, zone *live.Zone) *Policy {
	p := &Policy{
		protocols: r.Protocols, redirectHTTPS: r.RedirectHTTPS, insecureUpgrade: r.InsecureUpgrade,
		maxBody: r.MaxBody, oneIsEnough: r.Access.SatisfyAny,
		sealed: r.Access.Sealed, challenges: onlyChallenges(r.Matches),
	}
	var wrong []error
	seal := func(part string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", part, err))
			p.sealed = "the " + part + " of this route can't be used; its owner must look"
		}
	}
	var err error
	p.limits, err = newLimits(&r.Limits, zone)
	seal("limits", err)
	if p.cors, err = newCORS(r.CORS); err != nil {
		wrong = append(wrong, fmt.Errorf("CORS: %w", err)) // the others are answered
	}
	if p.edits, err = newEdits(&r.Headers); err != nil {
		wrong = append(wrong, fmt.Errorf("headers: %w", err)) // the others are changed
	}
	p.addresses = newAddresses(&r.Access)
	p.origins, err = newOrigins(r.Access.Origins)
	seal("origins", err)
	p.clientCert, err = newClientCert(r.Access.ClientCert)
	seal("client certificates", err)
	if p.basic, err = newBasic(r.Access.Basic); err != nil {
		wrong = append(wrong, fmt.Errorf("basic authentication: %w", err)) // who is left out can't log in
	}
	p.external, err = newExternal(r.Access.External, r.Matches)
	seal("external authentication", err)
	p.err = errors.Join(wrong...)
	return p
}

// Err says what is wrong with the route; nil: nothing.
func (p *Policy) Err() error { return p.err }

// Waits reports whether the checks may take long: they ask another service, or hash passwords. Such
// requests must not be served on an event loop.
func (p *Policy) Waits() bool { return p.external != nil || p.basic != nil }

// Asks reports whether a service is asked about every request.
func (p *Policy) Asks() bool { return p.external != nil }

// Zone returns the counters of the limits; nil: nothing is limited.
func (p *Policy) Zone() *live.Zone {
	if p.limits == nil {
		return nil
	}
	return p.limits.zone
}
