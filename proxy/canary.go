package proxy

import (
	"net/http"

	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/table"
)

// takesCanary decides, once for a request and all its attempts, whether it goes to the canary of its
// route. A cookie that binds the client to the canary or away from it comes first.
func (p *picker) takesCanary(r *http.Request) bool {
	c := p.route.Canary
	if p.sticky != nil && p.sticky.bound && !c.IgnoreSticky {
		return p.sticky.canary
	}
	if takes, decided := c.Wants(r); decided {
		return takes
	}
	switch weight, total := c.Share(); weight {
	case 0:
		return false
	case total:
		return true
	default:
		shares := [...]int{total - weight, weight}
		share := func(i int) int { return shares[i] }
		if p.route.Balance.ByLiveSessions {
			live := [...]int64{sessions(p.route.Backends), sessions(c.To)}
			return balance.Furthest(len(shares), func(i int) int64 { return live[i] }, share, nil) == 1
		}
		return balance.Weighted(p.route.Live.CanaryTurn(), len(shares), share, nil) == 1
	}
}

// sessions is how many sessions the route has on some of its backends.
func sessions(backends []table.WeightedBackend) (n int64) {
	for i := range backends {
		n += backends[i].Share.Sessions()
	}
	return n
}

// source says from which backends of its route a request gets its endpoint.
type source uint8

const (
	regular source = iota // the route's own
	canary                // what takes requests away from them
	spare                 // what has the requests when there is no endpoint
)

// toCanary takes endpoints from the canary.
func (p *picker) toCanary() {
	p.source, p.from = canary, p.route.Canary.To
	if p.route.Canary.IgnoreSticky {
		p.sticky = nil // the cookie goes on to say where else the client belongs
	}
}

// elsewhere takes endpoints from where else there may be some; false: there is nowhere else. A canary
// has the backends of its route behind it, but they never have the canary: it may be for a chosen few.
// The spare backend is for routes that have no endpoint, not for those whose endpoints fail.
func (p *picker) elsewhere() bool {
	switch {
	case p.source == canary:
		p.source, p.from = regular, p.route.Backends
	case p.source == regular && len(p.tried) == 0 && len(p.route.Spare) > 0:
		p.source, p.from = spare, p.route.Spare
		p.sticky = nil // nobody is to stay there
	default:
		return false
	}
	return true
}
