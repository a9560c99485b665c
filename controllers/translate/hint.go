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
	for _, judge := range []judge{p.byNode, p.byZone} {
		if h.count(list, judge) {
			h.mark(list, judge)
			return
		}
	}
}

// judge says whether an endpoint has hints of a kind, and whether one of them is for us.
type judge func(*discoveryv1.EndpointHints) (hinted, ours bool)

func (p place) byNode(e *discoveryv1.EndpointHints) (hinted, ours bool) {
	return len(e.ForNodes) > 0, slices.ContainsFunc(e.ForNodes, func(n discoveryv1.ForNode) bool { return p.node != "" && n.Name == p.node })
}

func (p place) byZone(e *discoveryv1.EndpointHints) (hinted, ours bool) {
	return len(e.ForZones) > 0, slices.ContainsFunc(e.ForZones, func(z discoveryv1.ForZone) bool { return p.zone != "" && z.Name == p.zone })
}

// count reports whether hints of a kind count.
func (h *hints) count(list []model.Endpoint, judge judge) bool {
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

func (h *hints) mark(list []model.Endpoint, judge judge) {
	for i := range list {
		if list[i].State != model.EndpointReady {
			continue
		}
		if _, ours := judge(h.of[list[i].Address]); !ours {
			list[i].State = model.EndpointDistant
		}
	}
}
