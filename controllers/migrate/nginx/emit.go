package nginx

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// controllerName is the spec.controller of IngressClasses that are Fairlead's.
const controllerName = "fairlead.dev/ingress-controller"

// emit makes the objects.
func (m *migration) emit() {
	secrets := m.objects
	m.objects = nil
	groups := m.byServer()
	var routes []Object
	for _, g := range groups {
		routes = append(routes, m.objectsOf(g)...)
	}
	class := &networkingv1.IngressClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "IngressClass"},
		ObjectMeta: metav1.ObjectMeta{Name: m.options.IngressClass},
		Spec:       networkingv1.IngressClassSpec{Controller: controllerName},
	}
	if len(routes) > 0 {
		m.objects = append(m.objects, Object{"IngressClass", class.Name, class})
	}
	m.objects = append(m.objects, secrets...)
	for _, s := range m.services.list {
		if s.used {
			m.objects = append(m.objects, m.serviceObjects(s)...)
		}
	}
	m.objects = append(m.objects, routes...)
}

func (m *migration) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: m.options.Namespace}
}

// serviceObjects makes a Service, and the EndpointSlices of its addresses: one for each address family
// and port.
func (m *migration) serviceObjects(s *service) []Object {
	port := corev1.ServicePort{Port: int32(s.port), TargetPort: intstr.FromInt32(int32(s.port))}
	made := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: m.meta(s.name),
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{port}},
	}
	if s.external != "" {
		made.Spec.Type, made.Spec.ExternalName = corev1.ServiceTypeExternalName, s.external
	}
	objects := []Object{{"Service", s.name, made}}
	for i, addresses := range s.slicesOf() {
		objects = append(objects, m.slice(s, i, addresses))
	}
	return objects
}

func (m *migration) slice(s *service, i int, addresses []netip.AddrPort) Object {
	name := s.name + "-" + strconv.Itoa(i+1)
	made := &discoveryv1.EndpointSlice{
		TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta:  m.meta(name),
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(addresses[0].Port())), Protocol: ptr.To(corev1.ProtocolTCP)}},
	}
	made.Labels = map[string]string{discoveryv1.LabelServiceName: s.name, discoveryv1.LabelManagedBy: "fairlead-migrate"}
	if addresses[0].Addr().Is6() {
		made.AddressType = discoveryv1.AddressTypeIPv6
	}
	for _, a := range addresses {
		made.Endpoints = append(made.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{a.Addr().String()},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	return Object{"EndpointSlice", name, made}
}

// group is the routes of a server that have the same hosts.
type group struct {
	server *server
	hosts  []string
	routes []*route
}

func (m *migration) byServer() []*group {
	var groups []*group
	for _, s := range m.served {
		named := slices.DeleteFunc(slices.Clone(s.hosts), func(h string) bool { return h == "" })
		if len(named) > 0 {
			groups = join(groups, s.route, named)
		}
		if len(named) < len(s.hosts) {
			groups = join(groups, s.route, nil)
		}
	}
	return groups
}

func join(groups []*group, r *route, hosts []string) []*group {
	for _, g := range groups {
		if g.server == r.server && slices.Equal(g.hosts, hosts) {
			g.routes = append(g.routes, r)
			return groups
		}
	}
	return append(groups, &group{r.server, hosts, []*route{r}})
}

// name returns the group's name: that of its first host.
func (g *group) name() string {
	if len(g.hosts) == 0 {
		return "any-host"
	}
	return objectName(strings.Replace(g.hosts[0], "*", "wildcard", 1), "host")
}

// objectsOf makes the routes of a group.
func (m *migration) objectsOf(g *group) []Object {
	var objects []Object
	var rules []*route
	for _, r := range g.routes {
		m.complete(r)
		switch {
		case m.options.Kind == Ingress || r.needsIngress() && m.fitsIngress(r):
			m.boundBody(r, true)
			objects = append(objects, m.ingress(g, r)...)
		case r.redirect != nil:
			m.lost(r.at, "a redirect of such paths can't be had", "have the backend send it")
		default:
			m.boundBody(r, false)
			m.withoutIngress(r)
			rules = append(rules, r)
		}
	}
	if g.server.secure && g.server.plain && !g.server.redirectsPlain && g.server.secret != "" && len(rules) > 0 {
		m.differs(g.server.scope.own("listen")[0], "plain requests for hosts with TLS get 308 to https; sockets are served in the clear too", "use --kind ingress, which gets ssl-redirect: \"false\"")
	}
	for chunk := range slices.Chunk(rules, 64) {
		objects = append(objects, m.webSocketRoute(g, chunk)...)
	}
	return objects
}

// complete gives a route without backends one, since every rule names one.
func (m *migration) complete(r *route) {
	if len(r.backends) > 16 {
		m.lost(r.at, fmt.Sprintf("of %d backends the first 16 are kept", len(r.backends)), "put servers of one weight into one Service")
		r.backends = r.backends[:16]
	}
	if len(r.backends) > 0 {
		return
	}
	if len(m.services.list) == 0 {
		m.services.add("nobody", 80)
	}
	r.backends = []weighted{{m.services.list[0], 1}}
}

// fitsIngress reports whether an Ingress can hold the route without making all paths of its host
// regular expressions.
func (m *migration) fitsIngress(r *route) bool {
	return !r.handshakes && r.to == "" && len(r.backends) == 1 && (!r.path.isRegex() || r.path.simple)
}

// withoutIngress tells what a route loses that needs an Ingress and can't have one.
func (m *migration) withoutIngress(r *route) {
	if c := r.cors; c != nil {
		for _, d := range c.lines {
			m.lost(d, "CORS answers are an Ingress's; this location needs a WebSocketRoute", "have the backend answer; WebSockets need no CORS")
		}
		if c.preflight != nil {
			m.silence(c.preflight.Block)
			m.lost(c.preflight, "OPTIONS goes to the backend", "have the backend answer; WebSockets need no CORS")
		}
	}
	if r.clientCerts != nil {
		m.closed(r.clientCerts.at, r)
	}
}

// webSocketRoute makes the object of up to 64 routes; those with more than 64 hosts are made several
// times.
func (m *migration) webSocketRoute(g *group, routes []*route) []Object {
	spec := v1alpha1.WebSocketRouteSpec{IngressClassName: &m.options.IngressClass}
	names := taken{}
	for _, r := range routes {
		spec.Rules = append(spec.Rules, rule(r, names.unique(r.name)))
	}
	hoist(&spec)
	hostLists := slices.Collect(slices.Chunk(g.hosts, 64))
	if len(hostLists) == 0 {
		hostLists = [][]string{nil}
	}
	var objects []Object
	for _, hosts := range hostLists {
		name := m.routeNames.unique(g.name())
		made := &v1alpha1.WebSocketRoute{
			TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "WebSocketRoute"},
			ObjectMeta: m.meta(name),
			Spec:       *spec.DeepCopy(),
		}
		for _, h := range hosts {
			made.Spec.Hosts = append(made.Spec.Hosts, v1alpha1.Hostname(h))
		}
		if g.server.secret != "" && len(hosts) > 0 {
			made.Spec.TLS = []v1alpha1.TLS{{SecretName: g.server.secret, MinVersion: v1alpha1.TLSVersion(g.server.minTLS)}}
		}
		objects = append(objects, Object{"WebSocketRoute", name, made})
	}
	return objects
}

// rule makes a rule of a route.
func rule(r *route, name string) v1alpha1.Rule {
	match := v1alpha1.Match{Path: &v1alpha1.PathMatch{Type: r.path.kind, Value: r.path.value}}
	if r.handshakes {
		match.Headers = []v1alpha1.HeaderMatch{{Name: "Upgrade", Type: v1alpha1.FieldRegularExpression, Value: "(?i)websocket"}}
	}
	made := v1alpha1.Rule{Name: name, Matches: []v1alpha1.Match{match}, Policy: r.policy.DeepCopy()}
	if r.to != "" || r.host != "" {
		made.Rewrite = &v1alpha1.Rewrite{Path: r.to, Host: r.host}
	}
	for _, b := range r.backends {
		b.service.used = true
		backend := v1alpha1.Backend{Name: b.service.name, Port: intstr.FromInt32(int32(b.service.port))}
		if len(r.backends) > 1 {
			backend.Weight = ptr.To(int32(b.weight))
		}
		made.Backends = append(made.Backends, backend)
	}
	return made
}
