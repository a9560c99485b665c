package translate

import (
	"cmp"
	"crypto/tls"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// webSocketRoute translates the rules; each becomes a route, or several when its hosts differ in TLS.
func (b *build) webSocketRoute(o *object) {
	spec := &o.route.Spec
	at := field.NewPath("spec")
	o.checkDurations(spec.Policy, at.Child("policy"))
	for i := range spec.Rules {
		rule, ruleAt := &spec.Rules[i], at.Child("rules").Index(i)
		if rule.Policy != nil {
			o.checkDurations(rule.Policy, ruleAt.Child("policy"))
		}
		p := newWritten(rule.Policy, spec.Policy, ruleAt.Child("policy"), at.Child("policy"))
		b.rule(o, i, p, ruleAt)
	}
}

func (b *build) rule(o *object, i int, p *written, at *field.Path) {
	rule := &o.route.Spec.Rules[i]
	name := rule.Name
	if name == "" {
		name = strconv.Itoa(i)
	}
	matches := b.ruleMatches(o, rule, at.Child("matches"))
	if len(matches) == 0 {
		return
	}
	route := b.policyRoute(o, p)
	route.ID = b.uniqueID(routeID("wsr", o, name))
	route.Backends = b.ruleBackends(o, rule, p.scheme(), at.Child("backends"))
	if route.Limits.Any() {
		route.Limits.Zone = route.ID // a rule may become several routes
	}
	if r := rule.Rewrite; r != nil {
		route.Rewrite = model.Rewrite{ReplacePrefix: r.Path != "", PrefixReplacement: r.Path, RegexTemplate: r.Path, Host: r.Host}
	}
	b.addRule(o, route, matches)
}

// addRule adds the route, and more of them for hosts that differ in TLS.
func (b *build) addRule(o *object, route model.Route, matches []model.Match) {
	// Where nothing is redirected or refused in the clear, a route of its own is but a second name.
	part := route.Protocols.Has(model.HTTP) || route.InsecureUpgrade != model.ServeInsecure
	someOpen := slices.ContainsFunc(matches, func(m model.Match) bool { return !o.tlsHosts.has(m.Host) })
	groups := map[hostTLS][]model.Match{}
	for _, m := range matches {
		kind := hostTLS{open: someOpen, minimum: o.minTLS(m.Host)}
		if part {
			kind.open = !o.tlsHosts.has(m.Host)
		}
		groups[kind] = append(groups[kind], m)
	}
	id := route.ID
	for i, kind := range slices.SortedFunc(maps.Keys(groups), hostTLS.compare) {
		if i > 0 {
			route.ID = b.uniqueID(id + kind.suffix())
		}
		route.Matches, route.RedirectHTTPS, route.MinTLS = groups[kind], !kind.open, kind.minimum
		b.add(o, route)
	}
}

// hostTLS is in what the hosts of a rule may differ.
type hostTLS struct {
	open    bool   // it has no TLS
	minimum uint16 // version of TLS
}

// compare puts first what keeps the ID of the rule.
func (h hostTLS) compare(other hostTLS) int {
	if h.open != other.open {
		if other.open {
			return -1
		}
		return 1
	}
	return cmp.Compare(h.minimum, other.minimum)
}

func (h hostTLS) suffix() string {
	if h.open && h.minimum == 0 {
		return "/plain"
	}
	return "/tls1." + strconv.Itoa(int(h.minimum-tls.VersionTLS10))
}

// minTLS returns the lowest version of TLS for a host: the highest that an entry asks for.
func (o *object) minTLS(host string) uint16 {
	var minimum uint16
	for _, t := range o.route.Spec.TLS {
		hosts := hostnames(t.Hosts)
		if len(hosts) > 0 && len(o.route.Spec.Hosts) > 0 && !slices.Contains(hosts, host) {
			continue
		}
		minimum = max(minimum, tlsVersions[t.MinVersion])
	}
	return minimum
}

var tlsVersions = map[v1alpha1.TLSVersion]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// uniqueID guards against a rule that is named like the position of another, and the like.
func (b *build) uniqueID(id string) string {
	for b.ids[id] {
		id += "~"
	}
	return id
}

// ruleBackends finds the backends of a rule.
func (b *build) ruleBackends(o *object, rule *v1alpha1.Rule, scheme *model.Scheme, at *field.Path) []model.BackendRef {
	instead := answered503
	if len(rule.Backends) > 1 {
		instead = othersServe
	}
	var refs []model.BackendRef
	for i := range rule.Backends {
		backend, at := &rule.Backends[i], at.Index(i)
		ref, found := b.backend(o, servicePort{
			namespace: cmp.Or(string(backend.Namespace), o.meta.Namespace),
			name:      backend.Name, nameAt: at.Child("name"), port: backend.Port, portAt: at.Child("port"), instead: instead,
		})
		if !found {
			continue
		}
		ref.Weight = int(ptr.Deref(backend.Weight, 1))
		if scheme != nil {
			ref.Scheme = *scheme
		}
		refs = append(refs, ref)
	}
	return refs
}
