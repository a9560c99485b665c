package translate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// byAddressSuffix tells the one endpoint that is the address of a Service from its endpoints.
const byAddressSuffix = "/service"

const serviceUpstreamKey = annotations.NginxPrefix + "service-upstream"

// clusterAddress returns the address of a Service as an endpoint. A headless Service has none.
func (b *build) clusterAddress(o *object, svc *corev1.Service, port *corev1.ServicePort) (model.Endpoint, bool) {
	address, err := netip.ParseAddr(svc.Spec.ClusterIP)
	if err != nil || port.Port < 1 || port.Port > 65535 {
		o.tellOnce(v1alpha1.ReasonUnsupportedAnnotation, annotation(serviceUpstreamKey), "Service %s/%s has no address of its own, so requests go to its endpoints: remove the annotation", svc.Namespace, svc.Name)
		return model.Endpoint{}, false
	}
	return model.Endpoint{Address: netip.AddrPortFrom(address, uint16(port.Port)), Name: svc.Name}, true
}

// externalName makes endpoints of the addresses that the name of a Service leads to.
func (b *build) externalName(o *object, s servicePort, svc *corev1.Service) (model.BackendRef, bool) {
	key := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
	if b.opts.NoExternalNames {
		o.tell(v1alpha1.ReasonUnsupportedValue, s.nameAt, "Service %s is of type ExternalName, which this controller does not serve, since a name may lead anywhere; %s: "+
			"name a Service with a selector, or write EndpointSlices for one without", key, s.instead)
		return model.BackendRef{}, false
	}
	number, ref, found := externalPort(svc, s.port)
	if !found {
		o.tell(v1alpha1.ReasonPortNotFound, s.portAt, "Service %s has no TCP port %s; %s: name a port by its number, or one of %s", key, s.port.String(), s.instead, portList(svc))
		return model.BackendRef{}, false
	}
	ref.Backend, ref.Weight = key.String()+":"+strconv.Itoa(number.ask), 1
	name := strings.ToLower(strings.TrimSuffix(svc.Spec.ExternalName, "."))
	b.refs.asked.names[name] = true
	known := b.names[name]
	addresses, refused := reachable(known.Addresses)
	if len(refused) > 0 {
		o.tell(v1alpha1.ReasonUnsupportedValue, s.nameAt, "Service %s leads to %s by its name %s, which are addresses of the proxy itself or its node and no backend's; they are left out: correct externalName, or the name's record",
			key, strings.Join(refused, ", "), name)
	}
	switch {
	case known.Err != "" && len(addresses) > 0:
		o.tell(v1alpha1.ReasonBackendNotFound, s.nameAt, "the name %s of Service %s can't be resolved: %s; requests go to the addresses that were last known: correct externalName, or the name's record", name, key, known.Err)
	case known.Err != "":
		o.tell(v1alpha1.ReasonBackendNotFound, s.nameAt, "the name %s of Service %s can't be resolved: %s; %s: correct externalName, or the name's record", name, key, known.Err, s.instead)
	}
	b.addBackend(ref.Backend, func() []model.Endpoint {
		list := make([]model.Endpoint, len(addresses))
		for i, address := range addresses {
			list[i] = model.Endpoint{Address: netip.AddrPortFrom(address, uint16(number.dial)), Name: name}
		}
		return list
	})
	return ref, true
}

// externalNumber is a port as it is asked for and as it is dialled.
type externalNumber struct{ ask, dial int }

// externalPort finds a port of a Service of type ExternalName, which need not list any.
func externalPort(svc *corev1.Service, want intstr.IntOrString) (number externalNumber, ref model.BackendRef, found bool) {
	if port := findPort(svc, want); port != nil {
		number = externalNumber{int(port.Port), cmp.Or(port.TargetPort.IntValue(), int(port.Port))}
		ref.Scheme = scheme(port)
	} else if want.Type == intstr.Int {
		number = externalNumber{want.IntValue(), want.IntValue()}
	}
	return number, ref, number.dial >= 1 && number.dial <= 65535
}

// reachable parts the addresses of a name into those that may be backends and those that may not:
// whoever writes a Service must not get at what listens on the proxy's own host alone.
func reachable(all []netip.Addr) (addresses []netip.Addr, refused []string) {
	for _, a := range all {
		a = a.Unmap().WithZone("")
		var why string
		switch {
		case a.IsLoopback():
			why = "loopback"
		case a.IsLinkLocalUnicast():
			why = "link-local"
		case a.IsUnspecified():
			why = "unspecified"
		case a.IsMulticast(), !a.IsValid():
			why = "multicast"
		default:
			addresses = append(addresses, a)
			continue
		}
		if text := fmt.Sprintf("%s (%s)", a, why); !slices.Contains(refused, text) {
			refused = append(refused, text)
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Compact(addresses), refused
}
