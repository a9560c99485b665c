package translate

import (
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// webSocketRoute translates the rules; each becomes a route, or two when its hosts differ in TLS.
func (b *build) webSocketRoute(o *object) {
	spec := &o.route.Spec
	at := field.NewPath("spec")
	o.checkDurations(spec.Policy, at.Child("policy"))
	for i := range spec.Rules {
		rule, ruleAt, drainAt := &spec.Rules[i], at.Child("rules").Index(i), at.Child("policy", "drain")
		merged := rule.Policy.MergedOver(spec.Policy)
		if rule.Policy != nil {
			o.checkDurations(rule.Policy, ruleAt.Child("policy"))
			if rule.Policy.Drain != nil {
				drainAt = ruleAt.Child("policy", "drain")
			}
		}
		p := newPolicy(&merged)
		o.checkDrain(merged.Drain, p.drain, drainAt)
		b.rule(o, i, p, ruleAt)
	}
}

func (b *build) rule(o *object, i int, p policy, at *field.Path) {
	rule := &o.route.Spec.Rules[i]
	name := rule.Name
	if name == "" {
		name = strconv.Itoa(i)
	}
	matches := b.ruleMatches(o, rule, at.Child("matches"))
	if len(matches) == 0 {
		return
	}
	route := model.Route{
		ID:        b.uniqueID(routeID("wsr", o, name)),
		Protocols: p.protocols,
		Backends:  b.ruleBackends(o, rule, at.Child("backends")),
		Timeouts:  p.timeouts,
		Keepalive: p.keepalive,
		Balance:   p.balance,
		Drain:     p.drain,
	}
	if r := rule.Rewrite; r != nil {
		route.Rewrite = model.Rewrite{ReplacePrefix: r.Path != "", PrefixReplacement: r.Path, RegexTemplate: r.Path, Host: r.Host}
	}
	b.addRule(o, route, matches)
}

// addRule adds the route, and a second one for the hosts without TLS when the others redirect.
func (b *build) addRule(o *object, route model.Route, matches []model.Match) {
	var secure, open []model.Match
	for _, m := range matches {
		if o.tlsHosts.has(m.Host) {
			secure = append(secure, m)
		} else {
			open = append(open, m)
		}
	}
	// Without HTTP nothing is redirected: splitting the route would only give it a second name.
	if len(secure) == 0 || len(open) == 0 || !route.Protocols.Has(model.HTTP) {
		route.Matches = matches
		route.RedirectHTTPS = len(open) == 0
		b.add(o, route)
		return
	}
	route.Matches, route.RedirectHTTPS = secure, true
	b.add(o, route)
	route.ID = b.uniqueID(route.ID + "/plain")
	route.Matches, route.RedirectHTTPS = open, false
	b.add(o, route)
}

// uniqueID guards against a rule that is named like the position of another, and the like.
func (b *build) uniqueID(id string) string {
	for b.ids[id] {
		id += "~"
	}
	return id
}

// ruleMatches claims every match of the rule on every host, and returns what it got.
func (b *build) ruleMatches(o *object, rule *v1alpha1.Rule, at *field.Path) []model.Match {
	hosts := hostnames(o.route.Spec.Hosts)
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	conditions := rule.Matches
	if len(conditions) == 0 {
		conditions = []v1alpha1.Match{{}}
	}
	var got []model.Match
	for i, condition := range conditions {
		path, err := pathMatch(condition.Path)
		if err != nil {
			o.tell(v1alpha1.ReasonInvalid, at.Index(i).Child("path", "value"), "%v; the match is not served: correct it", err)
			continue
		}
		for _, host := range hosts {
			if m := (model.Match{Host: host, Path: path.Canonical()}); b.claim(o, m, at.Index(i).Child("path")) {
				got = append(got, m)
			}
		}
	}
	return got
}

func pathMatch(p *v1alpha1.PathMatch) (model.PathMatch, error) {
	if p == nil {
		return model.PathMatch{Value: "/"}, nil
	}
	match := model.PathMatch{Type: model.Prefix, Value: p.Value}
	switch p.Type {
	case v1alpha1.PathExact:
		match.Type = model.Exact
	case v1alpha1.PathRegularExpression:
		match.Type = model.RegularExpression
	}
	return match, match.Validate()
}

func (b *build) ruleBackends(o *object, rule *v1alpha1.Rule, at *field.Path) []model.BackendRef {
	instead := answered503
	if len(rule.Backends) > 1 {
		instead = othersServe
	}
	var refs []model.BackendRef
	for i := range rule.Backends {
		backend, at := &rule.Backends[i], at.Index(i)
		ref, found := b.backend(o, servicePort{
			name: backend.Name, nameAt: at.Child("name"), port: backend.Port, portAt: at.Child("port"), instead: instead,
		})
		if !found {
			continue
		}
		ref.Weight = int(ptr.Deref(backend.Weight, 1))
		refs = append(refs, ref)
	}
	return refs
}
