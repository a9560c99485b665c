package translate

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// servicePort is a port of a Service as an Ingress or a WebSocketRoute names it, and where it does.
type servicePort struct {
	namespace string
	name      string
	nameAt    *field.Path
	port      intstr.IntOrString
	portAt    *field.Path
	// instead says what happens to requests when there is no such backend.
	instead string
	// byAddress takes the address of the Service instead of its endpoints.
	byAddress bool
}

// What happens to the requests of a route that lost a backend.
const (
	answered503 = "requests are answered 503"
	othersServe = "requests go to the rule's other backends, or are answered 503 if none is left"
)

// backend finds the Service port, puts its endpoints into the configuration and returns the
// reference to it. What is missing is told.
func (b *build) backend(o *object, s servicePort) (model.BackendRef, bool) {
	key := types.NamespacedName{Namespace: s.namespace, Name: s.name}
	if !b.refs.grants.permit(o, "Service", s.namespace, s.name) {
		o.tell(v1alpha1.ReasonRefNotPermitted, s.nameAt, "Service %s is in another namespace, which does not permit it; %s: %s", key, s.instead, grantAdvice(o, "Service", s.namespace))
		return model.BackendRef{}, false
	}
	svc := b.endpoints.services[key]
	switch {
	case svc == nil:
		o.tell(v1alpha1.ReasonBackendNotFound, s.nameAt, "there is no Service %s; %s: create it, or correct the name", key, s.instead)
		return model.BackendRef{}, false
	case svc.Spec.Type == corev1.ServiceTypeExternalName:
		return b.externalName(o, s, svc)
	}
	port := findPort(svc, s.port)
	if port == nil {
		o.tell(v1alpha1.ReasonPortNotFound, s.portAt, "Service %s has no TCP port %s; %s: name one of %s", key, s.port.String(), s.instead, portList(svc))
		return model.BackendRef{}, false
	}
	if ptr.Deref(port.AppProtocol, "") == "kubernetes.io/h2c" {
		o.tell(v1alpha1.ReasonUnsupportedValue, s.portAt, "port %d of Service %s is for HTTP/2 without TLS (appProtocol kubernetes.io/h2c), "+
			"which has no WebSocket upgrade; it is asked by HTTP/1.1 all the same: name a port of kubernetes.io/ws", port.Port, key)
	}
	ref := model.BackendRef{Backend: key.String() + ":" + strconv.Itoa(int(port.Port)), Weight: 1, Scheme: scheme(port)}
	if s.byAddress {
		if address, found := b.clusterAddress(o, svc, port); found {
			ref.Backend += byAddressSuffix
			b.addBackend(ref.Backend, func() []model.Endpoint { return []model.Endpoint{address} })
			return ref, true
		}
	}
	b.addBackend(ref.Backend, func() []model.Endpoint { return b.endpoints.of(svc, port.Name) })
	return ref, true
}

// addBackend puts a backend into the configuration once.
func (b *build) addBackend(key string, endpoints func() []model.Endpoint) {
	if b.backends[key] {
		return
	}
	b.backends[key] = true
	b.cfg.Backends = append(b.cfg.Backends, model.Backend{Key: key, Endpoints: endpoints()})
}

func findPort(svc *corev1.Service, want intstr.IntOrString) *corev1.ServicePort {
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		if !isTCP(p) {
			continue
		}
		if want.Type == intstr.Int && p.Port == want.IntVal || want.Type == intstr.String && p.Name == want.StrVal {
			return p
		}
	}
	return nil
}

func isTCP(p *corev1.ServicePort) bool { return p.Protocol == "" || p.Protocol == corev1.ProtocolTCP }

// portList names the ports of a Service that could have been meant.
func portList(svc *corev1.Service) string {
	var list []string
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		switch {
		case !isTCP(p):
		case p.Name != "":
			list = append(list, fmt.Sprintf("%d (%s)", p.Port, p.Name))
		default:
			list = append(list, strconv.Itoa(int(p.Port)))
		}
	}
	if len(list) == 0 {
		return "its ports, once it has one"
	}
	return strings.Join(list, ", ")
}

// scheme reads the appProtocol of a port (Kubernetes documentation, "Application protocol";
// KEP-3726): kubernetes.io/wss and https are TLS, kubernetes.io/ws, http and none are not.
func scheme(p *corev1.ServicePort) model.Scheme {
	switch strings.ToLower(ptr.Deref(p.AppProtocol, "")) {
	case "kubernetes.io/wss", "wss", "https":
		return model.Secure
	}
	return model.Plain
}
