package proxy

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// picker chooses the endpoints that one request is tried on, best first and none twice.
type picker struct {
	route  *table.Route
	sticky stickiness
	key    uint64 // hash of the request's key, when hashed
	hashed bool
	tried  []*table.Endpoint
}

// choice is an endpoint of one of the route's backends.
type choice struct {
	backend  table.WeightedBackend
	endpoint *table.Endpoint
}

func newPicker(route *table.Route, r *http.Request, client netip.Addr) *picker {
	p := &picker{route: route}
	if b := route.Balance; b.Sticky != nil {
		p.sticky = readSticky(b.Sticky, r)
		if b.Sticky.Mode == model.Balanced {
			p.key, p.hashed = balance.Hash(p.sticky.value), true
			return p
		}
	}
	if route.Balance.Algorithm == model.ConsistentHash {
		p.key, p.hashed = hashKey(route.Balance.HashOn, r, client)
	}
	return p
}

// next returns the best endpoint that was not tried yet; false when none is left.
func (p *picker) next() (choice, bool) {
	c, found := p.pinned()
	if !found {
		i := p.pickBackend()
		if i == balance.None {
			return choice{}, false
		}
		c.backend = p.route.Backends[i]
		c.endpoint = c.backend.Open[p.pickEndpoint(c.backend)]
	}
	p.tried = append(p.tried, c.endpoint)
	return c, true
}

// pinned returns the endpoint that a persistent sticky cookie names, when it still takes sessions.
func (p *picker) pinned() (choice, bool) {
	id, found := p.sticky.endpoint()
	if !found {
		return choice{}, false
	}
	for _, b := range p.route.Backends {
		for _, e := range b.Open {
			if e.ID == id && b.Weight > 0 && !slices.Contains(p.tried, e) {
				return choice{b, e}, true
			}
		}
	}
	return choice{}, false
}

// pickBackend chooses by weight among the backends that have an endpoint left.
func (p *picker) pickBackend() int {
	backends := p.route.Backends
	weight := func(i int) int { return backends[i].Weight }
	skip := func(i int) bool { return p.exhausted(backends[i]) }
	if p.hashed {
		return balance.Rendezvous(p.key, len(backends), func(i int) uint64 { return backends[i].ID }, weight, skip)
	}
	return balance.Weighted(p.route.Live.Turn(), len(backends), weight, skip)
}

func (p *picker) exhausted(b table.WeightedBackend) bool {
	return !slices.ContainsFunc(b.Open, func(e *table.Endpoint) bool { return !slices.Contains(p.tried, e) })
}

func (p *picker) pickEndpoint(b table.WeightedBackend) int {
	skip := func(i int) bool { return slices.Contains(p.tried, b.Open[i]) }
	switch {
	case p.hashed:
		return balance.Rendezvous(p.key, len(b.Open), func(i int) uint64 { return b.Open[i].ID }, nil, skip)
	case p.route.Balance.Algorithm == model.LeastSessions:
		return balance.Least(b.Live.Turn(), len(b.Open), func(i int) int64 { return b.Open[i].Live.Sessions() }, skip)
	}
	return balance.InTurn(b.Live.Turn(), len(b.Open), skip)
}

// hashKey hashes the first part of the list that the request has.
func hashKey(on []model.HashOn, r *http.Request, client netip.Addr) (key uint64, found bool) {
	for _, h := range on {
		if value := hashValue(h, r, client); value != "" {
			return balance.Hash(value), true
		}
	}
	return 0, false
}

func hashValue(h model.HashOn, r *http.Request, client netip.Addr) string {
	switch h.Source {
	case model.HashHeader:
		if strings.EqualFold(h.Name, "Host") {
			return r.Host // net/http takes it out of the header
		}
		return r.Header.Get(h.Name)
	case model.HashCookie:
		if c, err := r.Cookie(h.Name); err == nil {
			return c.Value
		}
	case model.HashQueryParam:
		return r.URL.Query().Get(h.Name)
	case model.HashSourceIP:
		return client.String()
	case model.HashHost:
		return r.Host
	case model.HashPath:
		return r.URL.Path
	case model.HashURI:
		return r.RequestURI
	}
	return ""
}
