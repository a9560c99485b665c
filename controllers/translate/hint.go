package translate

import (
	"net/netip"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/fairlead/fairlead/proxy/model"
)

// place is where this replica runs; "" is unknown.
type place struct{ zone, node string }

// hints are those of the endpoints of one Service port (KEP-2433, KEP-4444 and, for nodes, KEP-3015).
// The zero value has none.
type hints struct {
	of map[netip.AddrPort]*discoveryv1.EndpointHints
}

// note remembers what a slice says of an endpoint; of two slices the first one counts.
func (h *hints) note(p place, address netip.AddrPort, given *discoveryv1.EndpointHints) {
	if given == nil || p == (place{}) {
		return
	}
	if h.of == nil {
		h.of = map[netip.AddrPort]*discoveryv1.EndpointHints{}
	}
	if h.of[address] == nil {
		h.of[address] = given
	}
}

// apply makes ready endpoints distant that are meant for others, as kube-proxy does: hints for nodes
// count before those for zones, and either only if every ready endpoint has some and one is for us.
func (h *hints) apply(p place, list []model.Endpoint) {
	if h.of == nil {
		return
	}
	forUs := []func(*discoveryv1.EndpointHints) (any, ours bool){
		func(e *discoveryv1.EndpointHints) (any, ours bool) {
			return len(e.ForNodes) > 0, slices.ContainsFunc(e.ForNodes, func(n discoveryv1.ForNode) bool { return p.node != "" && n.Name == p.node })
		},
		func(e *discoveryv1.EndpointHints) (any, ours bool) {
			return len(e.ForZones) > 0, slices.ContainsFunc(e.ForZones, func(z discoveryv1.ForZone) bool { return p.zone != "" && z.Name == p.zone })
		},
	}
	for _, judge := range forUs {
		if h.count(list, judge) {
			h.mark(list, judge)
			return
		}
	}
}

func (h *hints) count(list []model.Endpoint, judge func(*discoveryv1.EndpointHints) (any, ours bool)) bool {
	var found bool
	for i := range list {
		if list[i].State != model.EndpointReady {
			continue
		}
		given := h.of[list[i].Address]
		if given == nil {
			return false
		}
		hinted, ours := judge(given)
		if !hinted {
			return false
		}
		found = found || ours
	}
	return found
}

func (h *hints) mark(list []model.Endpoint, judge func(*discoveryv1.EndpointHints) (any, ours bool)) {
	for i := range list {
		if list[i].State != model.EndpointReady {
			continue
		}
		if _, ours := judge(h.of[list[i].Address]); !ours {
			list[i].State = model.EndpointDistant
		}
	}
}
