package table

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// Compile builds the table of a configuration. Live parts, and whatever is equal, are carried over
// from the previous table, which may be nil. The table is always usable: what can't be compiled is
// left out, and the error (of errors.Join) names each such thing.
func Compile(cfg model.Config, prev *Table) (*Table, error) {
	if prev == nil {
		prev = new(Table)
	}
	c := &compilation{prev: prev, t: &Table{
		routes:   make(map[string]*Route, len(cfg.Routes)),
		backends: make(map[string]*Backend, len(cfg.Backends)),
		claims:   make(map[model.MatchKey]*Route, len(cfg.Routes)),
		zones:    map[zoneKey]*live.Zone{},
	}}
	for _, b := range cfg.Backends {
		c.backend(b)
	}
	c.indexClaims(cfg.Routes)
	for _, r := range cfg.Routes {
		c.route(r)
	}
	c.certificates(cfg.Certificates)
	c.security()
	c.t.hosts = compileHosts(c.t.order, prev)
	c.departed()
	c.policies()
	return c.t, errors.Join(c.errs...)
}

type compilation struct {
	prev, t *Table
	orphans map[model.MatchKey]*live.Route // what routes owned whose IDs are gone
	errs    []error
}

func (c *compilation) refuse(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *compilation) backend(b model.Backend) {
	if c.t.backends[b.Key] != nil {
		c.refuse("backend %q is configured twice; the first counts", b.Key)
		return
	}
	before := c.prev.backends[b.Key]
	if before != nil && slices.Equal(before.Endpoints, b.Endpoints) {
		c.t.backends[b.Key] = before
		return
	}
	n := newBackend(b)
	if before != nil {
		n.Live = before.Live
	} else {
		n.Live = live.NewBackend()
	}
	known := addresses(before)
	var distant, terminating []*Endpoint
	for _, e := range b.Endpoints {
		compiled := &Endpoint{Endpoint: e, Live: known[e.Address], ID: balance.Hash(b.Key, e.Address.String())}
		if compiled.Live == nil {
			compiled.Live = c.prev.departed.endpoints[endpointKey{b.Key, e.Address}]
		}
		if compiled.Live == nil {
			compiled.Live = new(live.Endpoint)
		}
		n.all = append(n.all, compiled)
		switch e.State {
		case model.EndpointReady:
			n.Open = append(n.Open, compiled)
		case model.EndpointDistant:
			distant = append(distant, compiled)
		case model.EndpointTerminating:
			terminating = append(terminating, compiled)
		}
	}
	if len(n.Open) == 0 {
		n.Open = distant
	}
	if len(n.Open) == 0 {
		n.Open = terminating
	}
	c.t.backends[b.Key] = n
}

// addresses indexes the living parts of a backend, which may be nil.
func addresses(b *Backend) map[netip.AddrPort]*live.Endpoint {
	if b == nil {
		return nil
	}
	m := make(map[netip.AddrPort]*live.Endpoint, len(b.all))
	for _, e := range b.all {
		m[e.Address] = e.Live
	}
	return m
}

func (c *compilation) route(r model.Route) {
	if c.t.routes[r.ID] != nil {
		c.refuse("route %q is configured twice; the first counts", r.ID)
		return
	}
	kept, keys := r.Matches[:0:0], make([]model.MatchKey, 0, len(r.Matches))
	for _, m := range r.Matches {
		m.Path = m.Path.Canonical()
		key := m.Key()
		if err := c.validate(m, key); err != nil {
			c.fault(r.ID, "host %q: %w", m.Host, err)
		} else if owner := c.t.claims[key]; owner != nil {
			c.fault(r.ID, "host %q and path %q belong to route %q", m.Host, m.Path.Value, owner.ID)
		} else {
			kept, keys = append(kept, m), append(keys, key)
		}
	}
	if r.Matches = kept; len(kept) == 0 {
		return
	}
	if r.Redirect != nil {
		r.Protocols = model.WebSocket | model.HTTP // it answers whatever comes
	}
	compiled := &Route{Route: r, Live: c.liveRoute(r)}
	c.destinations(compiled)
	if before := c.prev.routes[r.ID]; before != nil && same(before, compiled) {
		compiled = before
	} else {
		c.texts(compiled)
		c.policy(compiled)
	}
	c.t.routes[r.ID] = compiled
	c.t.order = append(c.t.order, compiled)
	for _, key := range keys {
		c.t.claims[key] = compiled
	}
}

// validate judges a match, unless the table before has it: to compile expressions takes long.
func (c *compilation) validate(m model.Match, key model.MatchKey) error {
	if c.prev.claims[key] != nil {
		return nil
	}
	return m.Validate()
}

// indexClaims notes what routes owned whose IDs are gone.
func (c *compilation) indexClaims(configured []model.Route) {
	ids := make(map[string]bool, len(configured))
	for _, r := range configured {
		ids[r.ID] = true
	}
	c.orphans = map[model.MatchKey]*live.Route{}
	for m, r := range c.prev.claims {
		if !ids[r.ID] {
			c.orphans[m] = r.Live
		}
	}
	for _, d := range c.prev.departed.routes {
		for _, m := range d.matches {
			c.orphans[m.Key()] = d.live
		}
	}
}

// liveRoute finds the living part: by ID or, so that renaming a rule is not deleting it, by a host
// and path that a route owned whose ID is gone.
func (c *compilation) liveRoute(r model.Route) *live.Route {
	if before := c.prev.routes[r.ID]; before != nil {
		return before.Live
	}
	if before, found := c.prev.departed.routes[r.ID]; found {
		return before.live
	}
	for _, m := range r.Matches {
		if l := c.orphans[m.Key()]; l != nil {
			return l
		}
	}
	return live.NewRoute()
}

// same reports whether two routes are equal down to the backends that they share.
func same(a, b *Route) bool {
	return sameDestinations(a, b) && a.Live == b.Live && reflect.DeepEqual(a.Route, b.Route)
}

// departed collects the living parts that the new table doesn't name. What leaves with this table
// is kept even without a session: a request that was matched before may be about to be counted.
func (c *compilation) departed() {
	kept := make(map[*live.Route]bool, len(c.t.routes))
	for _, r := range c.t.routes {
		kept[r.Live] = true
	}
	c.t.departed = departed{routes: map[string]departedRoute{}, endpoints: map[endpointKey]*live.Endpoint{}}
	for id, d := range c.prev.departed.routes {
		if !kept[d.live] && d.live.Sessions() > 0 {
			c.t.departed.routes[id] = d
		}
	}
	for id, r := range c.prev.routes {
		if !kept[r.Live] {
			c.t.departed.routes[id] = r.departing()
		}
	}
	c.departedEndpoints()
}

func (c *compilation) departedEndpoints() {
	for key, b := range c.prev.backends {
		if c.t.backends[key] == b {
			continue // shared: nothing left it
		}
		present := addresses(c.t.backends[key])
		for _, e := range b.all {
			if present[e.Address] == nil {
				c.t.departed.endpoints[endpointKey{key, e.Address}] = e.Live
			}
		}
	}
	present := map[string]map[netip.AddrPort]*live.Endpoint{} // by backend: thousands may leave at once
	for k, l := range c.prev.departed.endpoints {
		if _, known := present[k.backend]; !known {
			present[k.backend] = addresses(c.t.backends[k.backend])
		}
		if l.Sessions() > 0 && present[k.backend][k.address] == nil {
			c.t.departed.endpoints[k] = l
		}
	}
}
