package translate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy/model"
)

// endpoints finds Services and the endpoints of their ports.
type endpoints struct {
	place    place
	services map[types.NamespacedName]*corev1.Service
	slices   map[types.NamespacedName][]*discoveryv1.EndpointSlice // by Service, ordered by name
}

func newEndpoints(s *snapshot.Snapshot, opts Options) *endpoints {
	e := &endpoints{
		place:    place{opts.Zone, opts.Node},
		services: make(map[types.NamespacedName]*corev1.Service, len(s.Services)),
		slices:   make(map[types.NamespacedName][]*discoveryv1.EndpointSlice, len(s.EndpointSlices)),
	}
	for _, svc := range s.Services {
		e.services[types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}] = svc
	}
	for _, slice := range s.EndpointSlices {
		service := slice.Labels[discoveryv1.LabelServiceName]
		// What an FQDN slice means is nowhere defined (discovery.k8s.io/v1, AddressType).
		if service == "" || slice.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		key := types.NamespacedName{Namespace: slice.Namespace, Name: service}
		e.slices[key] = append(e.slices[key], slice)
	}
	for _, list := range e.slices {
		slices.SortFunc(list, func(x, y *discoveryv1.EndpointSlice) int { return strings.Compare(x.Name, y.Name) })
	}
	return e
}

// of returns the endpoints of a Service port, by its name, from all slices and both address
// families: each address once, in its best state, in the order of addresses.
func (e *endpoints) of(svc *corev1.Service, portName string) []model.Endpoint {
	var list []model.Endpoint
	var hints hints
	for _, slice := range e.slices[types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}] {
		port, found := portNumber(slice.Ports, portName)
		if !found {
			continue
		}
		list = slices.Grow(list, len(slice.Endpoints))
		for i := range slice.Endpoints {
			endpoint, ok := newEndpoint(&slice.Endpoints[i], port)
			if !ok {
				continue
			}
			// Its slices say ready as well, unless somebody else wrote them.
			if endpoint.State == model.EndpointNotReady && svc.Spec.PublishNotReadyAddresses {
				endpoint.State = model.EndpointReady
			}
			list = append(list, endpoint)
			hints.note(e.place, endpoint.Address, slice.Endpoints[i].Hints)
		}
	}
	// Stable: of equal entries in two slices, the one of the first slice counts.
	slices.SortStableFunc(list, func(x, y model.Endpoint) int {
		return cmp.Or(x.Address.Compare(y.Address), cmp.Compare(x.State, y.State))
	})
	list = slices.CompactFunc(list, func(x, y model.Endpoint) bool { return x.Address == y.Address })
	hints.apply(e.place, list)
	return list
}

// portNumber finds a port by its name; a port without name and without number is none to dial.
func portNumber(ports []discoveryv1.EndpointPort, name string) (uint16, bool) {
	for i := range ports {
		p := &ports[i]
		if ptr.Deref(p.Name, "") != name || p.Port == nil || *p.Port < 1 || *p.Port > 65535 || ptr.Deref(p.Protocol, corev1.ProtocolTCP) != corev1.ProtocolTCP {
			continue
		}
		return uint16(*p.Port), true
	}
	return 0, false
}

// newEndpoint takes the first address: further ones have no defined meaning (discovery.k8s.io/v1,
// Endpoint.addresses).
func newEndpoint(e *discoveryv1.Endpoint, port uint16) (model.Endpoint, bool) {
	if len(e.Addresses) == 0 {
		return model.Endpoint{}, false
	}
	address, err := netip.ParseAddr(e.Addresses[0])
	if err != nil {
		return model.Endpoint{}, false
	}
	endpoint := model.Endpoint{Address: netip.AddrPortFrom(address.Unmap(), port), State: state(&e.Conditions)}
	if e.TargetRef != nil {
		endpoint.Name = e.TargetRef.Name
	}
	return endpoint, true
}

// state reads the conditions as their API says: unknown ready and serving are true, unknown
// terminating is false. A Service with publishNotReadyAddresses has ready true in its slices, even
// for pods that terminate; it asks to overlook readiness, not the end: such a pod gets new sessions
// only when there is no other, and those that it has are drained.
func state(c *discoveryv1.EndpointConditions) model.EndpointState {
	ready, serving, terminating := ptr.Deref(c.Ready, true), ptr.Deref(c.Serving, true), ptr.Deref(c.Terminating, false)
	switch {
	case terminating && (ready || serving):
		return model.EndpointTerminating
	case terminating:
		return model.EndpointTerminated
	case ready:
		return model.EndpointReady
	}
	return model.EndpointNotReady
}
