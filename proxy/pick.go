package proxy

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
	"github.com/fairlead/fairlead/proxy/template"
)

// picker chooses the endpoints that one request is tried on, best first and none twice, unless its
// sticky cookie holds it to one.
type picker struct {
	route  *table.Route
	from   []table.WeightedBackend // those of the source
	source source
	hashed bool
	key    uint64      // hash of the request's key, when hashed
	sticky *stickiness // nil: no cookie says where the client belongs
	tried  []*table.Endpoint
	first  [1]*table.Endpoint       // room for tried, which mostly is enough
	known  map[*table.Endpoint]bool // those that were tried, when they are many
	begun  time.Duration            // since epoch; only when the route bounds the time of all attempts
}

// choice is an endpoint of one of the route's backends.
type choice struct {
	backend  table.WeightedBackend
	endpoint *table.Endpoint
}

// acquire counts a session on what was chosen; release counts it out. Nothing may have been chosen.
func (c choice) acquire() {
	if c.endpoint != nil {
		c.endpoint.Live.Acquire()
		c.backend.Share.Acquire()
	}
}

func (c choice) release() {
	if c.endpoint != nil {
		c.endpoint.Live.Release()
		c.backend.Share.Release()
	}
}

func newPicker(route *table.Route, r *http.Request, client *handshake.Client) *picker {
	p := &picker{route: route, from: route.Backends}
	p.tried = p.first[:0]
	if route.Retries.Timeout > 0 {
		p.begun = time.Since(epoch)
	}
	if route.Balance.Sticky != nil {
		p.sticky = readSticky(route, r)
	}
	if route.Canary != nil && p.takesCanary(r) {
		p.toCanary()
	}
	p.hash(r, client)
	return p
}

// hash finds the key of the request, if the route wants one.
func (p *picker) hash(r *http.Request, client *handshake.Client) {
	b := &p.route.Balance
	switch {
	case p.sticky.balanced():
		p.key, p.hashed = balance.Hash(p.sticky.value), true
	case b.Algorithm != model.ConsistentHash:
	case b.HashTemplate != "":
		request := template.Request{Request: r, Client: client.Address, Secure: client.Secure}
		if value := p.route.HashKey.Expand(request.Value); value != "" {
			p.key, p.hashed = balance.Hash(value), true
		}
	default:
		p.key, p.hashed = hashKey(b.HashOn, r, client.Address)
	}
}

// next returns the best endpoint that was not tried yet, or the one that the request is held to;
// false when none is left.
func (p *picker) next() (choice, bool) {
	if !p.left() {
		return choice{}, false
	}
	if c, held := p.sticky.holds(); held {
		p.note(c.endpoint)
		return c, true
	}
	c := p.choose()
	c.endpoint.Live.Try()
	p.note(c.endpoint)
	return c, true
}

// many is how many endpoints are looked up one by one. A route that tries all of its endpoints may
// have thousands.
const many = 16

func (p *picker) note(e *table.Endpoint) {
	p.tried = append(p.tried, e)
	if len(p.tried) < many {
		return
	}
	if p.known == nil {
		p.known = make(map[*table.Endpoint]bool, 2*many)
		for _, tried := range p.tried {
			p.known[tried] = true
		}
	}
	p.known[e] = true
}

func (p *picker) hasTried(e *table.Endpoint) bool {
	if p.known != nil {
		return p.known[e]
	}
	return slices.Contains(p.tried, e)
}

// choose returns the best endpoint; there is one that was not tried.
func (p *picker) choose() choice {
	if p.sticky == nil {
		return p.best()
	}
	c, pinned := p.pinned()
	if !pinned {
		c = p.best()
	}
	if p.sticky.stays(pinned) && len(p.tried) == 0 {
		p.sticky.held = c
	}
	return c
}

// best returns the best endpoint by weight and algorithm.
func (p *picker) best() choice {
	b := &p.from[p.pickBackend()]
	return choice{*b, b.Open[p.pickEndpoint(b)]}
}

// left reports whether there is an endpoint to try, and sees to it that next finds it.
func (p *picker) left() bool {
	if _, held := p.sticky.holds(); held {
		return true
	}
	for !p.open() {
		if !p.elsewhere() {
			return false
		}
	}
	return true
}

// open reports whether the source has an endpoint that was not tried.
func (p *picker) open() bool {
	for i := range p.from {
		if b := &p.from[i]; b.Weight > 0 && !p.exhausted(b) {
			return true
		}
	}
	return false
}

// pinned returns the endpoint that a persistent sticky cookie names, when it still takes sessions. From one that takes no connections
// the client would be led elsewhere in any case, only later.
func (p *picker) pinned() (choice, bool) {
	id, found := p.sticky.endpoint()
	if !found {
		return choice{}, false
	}
	for _, b := range p.from {
		for _, e := range b.Open {
			if e.ID == id && b.Weight > 0 && !p.hasTried(e) && (p.sticky.cookie.Stay || !e.Live.Mute()) {
				return choice{b, e}, true
			}
		}
	}
	return choice{}, false
}

// pickBackend chooses by weight among the backends that have an endpoint left.
func (p *picker) pickBackend() int {
	backends := p.from
	if len(backends) == 1 {
		return 0
	}
	weight := func(i int) int { return backends[i].Weight }
	skip := func(i int) bool { return p.exhausted(&backends[i]) }
	switch {
	case p.hashed:
		return balance.Rendezvous(p.key, len(backends), func(i int) uint64 { return backends[i].ID }, weight, skip)
	case p.route.Balance.ByLiveSessions:
		return balance.Furthest(len(backends), func(i int) int64 { return backends[i].Share.Sessions() }, weight, skip)
	}
	return balance.Weighted(p.route.Live.Turn(), len(backends), weight, skip)
}

func (p *picker) exhausted(b *table.WeightedBackend) bool {
	if len(p.tried) == 0 {
		return len(b.Open) == 0
	}
	return !slices.ContainsFunc(b.Open, func(e *table.Endpoint) bool { return !p.hasTried(e) })
}

// pickEndpoint chooses among the endpoints of a backend that were not tried; one that takes no connections is the last to be.
func (p *picker) pickEndpoint(b *table.WeightedBackend) int {
	best := p.pickFrom(b, p.hasTried)
	if !b.Open[best].Live.Mute() {
		return best
	}
	other := p.pickFrom(b, func(e *table.Endpoint) bool { return p.hasTried(e) || e.Live.Mute() })
	if other == balance.None {
		return best
	}
	return other
}

func (p *picker) pickFrom(b *table.WeightedBackend, out func(*table.Endpoint) bool) int {
	id := func(i int) uint64 { return b.Open[i].ID }
	skip := func(i int) bool { return out(b.Open[i]) }
	switch subset := p.subset(b, out); {
	case subset > 1:
		return balance.Ranked(p.key, len(b.Open), id, int(b.Live.Turn()%uint64(subset)), skip)
	case p.hashed:
		return balance.Rendezvous(p.key, len(b.Open), id, nil, skip)
	case p.route.Balance.Algorithm == model.LeastSessions:
		return balance.Least(b.Live.Turn(), len(b.Open), func(i int) int64 { return b.Open[i].Live.Sessions() }, skip)
	}
	return balance.InTurn(b.Live.Turn(), len(b.Open), skip)
}

// subset returns how many endpoints of the key's subset are not out, at most as many as there are. A cookie binds to one endpoint
// and has no subset.
func (p *picker) subset(b *table.WeightedBackend, out func(*table.Endpoint) bool) int {
	if !p.hashed || p.route.Balance.Subset <= 1 || p.sticky.balanced() {
		return 1
	}
	left := min(p.route.Balance.Subset, len(b.Open))
	for _, e := range b.Open {
		if out(e) {
			left--
		}
	}
	return left
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
