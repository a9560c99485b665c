package translate

import (
	"regexp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// newIngress reads the annotations of an Ingress.
func (b *build) newIngress(i *networkingv1.Ingress, class string) *object {
	settings, problems := annotations.Parse(i.Annotations, b.defaultsOf(class))
	if settings.Protocols == 0 {
		settings.Protocols = model.WebSocket | model.HTTP
	}
	o := &object{meta: &i.ObjectMeta, class: class, ingress: i, settings: settings, report: newReport("Ingress", &i.ObjectMeta)}
	for _, p := range problems {
		o.report.Problems = append(o.report.Problems, Problem{p.Reason, annotation(p.Key).String(), p.Message, p.Note, p.Lost})
	}
	return o
}

// annotation is where an annotation stands.
func annotation(key string) *field.Path { return field.NewPath("metadata", "annotations").Key(key) }

// serves reports whether the Ingress has routes of its own: a canary changes those of another.
func (o *object) serves() bool {
	return o.settings.LeftOutBy == "" && o.settings.Canary == nil
}

// ruleHosts returns every host that a rule of any object names.
func ruleHosts(objects []*object) map[string]bool {
	hosts := map[string]bool{}
	for _, o := range objects {
		if o.route != nil {
			for _, host := range o.route.Spec.Hosts {
				hosts[strings.ToLower(string(host))] = true
			}
		} else if o.serves() {
			for _, rule := range o.ingress.Spec.Rules {
				hosts[strings.ToLower(rule.Host)] = true
			}
		}
	}
	return hosts
}

// regexHosts returns the hosts whose paths are regular expressions because any Ingress with paths
// there says so. That it reaches beyond that Ingress is ingress-nginx's rule: one host, one way to
// compare.
func regexHosts(objects []*object) map[string]bool {
	hosts := map[string]bool{}
	for _, o := range objects {
		if o.ingress == nil || !o.wantsRegex() || !o.serves() {
			continue
		}
		for _, rule := range o.ingress.Spec.Rules {
			if rule.HTTP != nil {
				hosts[strings.ToLower(rule.Host)] = true
			}
		}
	}
	return hosts
}

func (o *object) wantsRegex() bool { return o.settings.UseRegex || o.settings.RewriteTarget != "" }

// ingressHosts returns the hosts of the rules, each once, in order; none stands for any host.
func ingressHosts(i *networkingv1.Ingress) []string {
	if len(i.Spec.Rules) == 0 {
		return []string{""}
	}
	var hosts []string
	for _, rule := range i.Spec.Rules {
		if host := strings.ToLower(rule.Host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// ingress translates the rules; every path becomes a route.
func (b *build) ingress(o *object) {
	if !o.serves() {
		return
	}
	o.checkRegex()
	b.settle(o)
	for i := range o.ingress.Spec.Rules {
		rule := &o.ingress.Spec.Rules[i]
		at := field.NewPath("spec", "rules").Index(i)
		if rule.HTTP == nil {
			if o.ingress.Spec.DefaultBackend == nil {
				o.tell(v1alpha1.ReasonInvalid, at, "the rule has no paths and the Ingress no defaultBackend, so nothing is served here: add paths or a defaultBackend")
			}
			continue
		}
		for j := range rule.HTTP.Paths {
			b.ingressPath(o, strings.ToLower(rule.Host), &rule.HTTP.Paths[j], at.Child("http", "paths").Index(j))
		}
	}
}

// checkRegex tells of annotations about paths on an Ingress that has none.
func (o *object) checkRegex() {
	if slices.ContainsFunc(o.ingress.Spec.Rules, func(r networkingv1.IngressRule) bool { return r.HTTP != nil }) {
		return
	}
	for _, prefix := range []string{annotations.NginxPrefix, annotations.OurPrefix} {
		for _, name := range []string{"use-regex", "rewrite-target"} {
			if _, set := o.ingress.Annotations[prefix+name]; set && o.wantsRegex() {
				o.tell(v1alpha1.ReasonInvalidAnnotation, annotation(prefix+name),
					"the Ingress has no paths, so the annotation has no effect: remove it, or write rules with paths")
			}
		}
	}
}

func (b *build) ingressPath(o *object, host string, path *networkingv1.HTTPIngressPath, at *field.Path) {
	match, err := b.ingressMatch(o, host, path)
	if err != nil {
		o.tell(v1alpha1.ReasonInvalid, at.Child("path"), "%v; the path is not served: correct it", err)
		return
	}
	claimed := model.Match{Host: host, Path: match}
	if !b.claim(o, claimed, at.Child("path")) {
		return
	}
	id := idHost(host)
	if ptr.Deref(path.PathType, "") == networkingv1.PathTypeExact {
		id += "="
	}
	// The ID has the path as it is written, so that no annotation can rename the route.
	if !strings.HasPrefix(path.Path, "/") {
		id += "/"
	}
	route := b.ingressRoute(o, id+path.Path, claimed)
	route.Rewrite.RegexTemplate = o.settings.RewriteTarget
	o.forwardPrefix(&route)
	b.addIngressRoute(o, route, &path.Backend, at.Child("backend"))
}

func idHost(host string) string {
	if host == "" {
		return "*"
	}
	return host
}

// ingressMatch reads a path. ImplementationSpecific is Prefix here.
func (b *build) ingressMatch(o *object, host string, path *networkingv1.HTTPIngressPath) (model.PathMatch, error) {
	value := path.Path
	if value == "" {
		value = "/"
	}
	if b.regexHosts[host] {
		return b.regexMatch(value, o.wantsRegex())
	}
	match := model.PathMatch{Type: model.Prefix, Value: value}
	if ptr.Deref(path.PathType, "") == networkingv1.PathTypeExact {
		match.Type = model.Exact
	}
	return match, match.Validate()
}

// regexMatch makes the expression that ingress-nginx would: case counts for nothing. A path whose
// own Ingress didn't ask for that must not suffer: it is taken letter by letter if need be.
func (b *build) regexMatch(value string, asked bool) (model.PathMatch, error) {
	match := model.PathMatch{Type: model.RegularExpression, Value: "(?i)" + value}
	err, known := b.regexes[value]
	if !known {
		err = match.Validate()
		b.regexes[value] = err
	}
	if err != nil && !asked {
		match.Value = "(?i)" + regexp.QuoteMeta(value)
		return match, nil
	}
	return match, err
}

// ingressRoute makes the route of a path or of the default backend, without a backend.
func (b *build) ingressRoute(o *object, id string, m model.Match) model.Route {
	s := &o.settings
	route := o.base
	route.ID = b.uniqueID(routeID("ingress", o, id))
	route.Matches = []model.Match{{Host: m.Host, Path: m.Path.Canonical()}}
	route.RedirectHTTPS = s.Redirect == annotations.RedirectAlways || s.Redirect == annotations.RedirectWithTLS && o.tlsHosts.has(m.Host)
	if s.CookiePathOfMatch && s.Balance.Sticky.Path == "" && m.Path.Type != model.RegularExpression {
		cookie := *s.Balance.Sticky
		cookie.Path = route.Matches[0].Path.Value
		route.Balance.Sticky = &cookie
	}
	return route
}

// addIngressRoute adds the route with its backend; a redirect needs none.
func (b *build) addIngressRoute(o *object, route model.Route, backend *networkingv1.IngressBackend, at *field.Path) {
	if route.Redirect == nil {
		if ref, found := b.ingressBackend(o, o, backend, at, answered503); found {
			route.Backends = []model.BackendRef{ref}
		}
	}
	if f := route.Fallback; f != nil {
		route.Fallback = &model.Fallback{Backend: f.Backend, Errors: f.Errors, Told: toldOf(o, backend)}
	}
	b.add(o, route)
}

// ingressBackend finds the backend that o names, to be spoken to as the annotations of main say.
func (b *build) ingressBackend(o, main *object, backend *networkingv1.IngressBackend, at *field.Path, instead string) (model.BackendRef, bool) {
	if backend.Service == nil {
		o.tell(v1alpha1.ReasonUnsupportedValue, at.Child("resource"), "only Services are supported as backends; %s: name a Service", instead)
		return model.BackendRef{}, false
	}
	want := intstr.FromInt32(backend.Service.Port.Number)
	if backend.Service.Port.Name != "" {
		want = intstr.FromString(backend.Service.Port.Name)
	}
	ref, found := b.backend(o, servicePort{
		namespace: o.meta.Namespace, name: backend.Service.Name, nameAt: at.Child("service", "name"),
		port: want, portAt: at.Child("service", "port"), instead: instead, byAddress: main.settings.ServiceUpstream,
	})
	if main.settings.Scheme != nil {
		ref.Scheme = *main.settings.Scheme
	}
	return ref, found
}

// defaultBackend serves what no path of the Ingress's hosts takes. An Ingress without rules serves
// any host with it; that claim is told when it is lost, as that of a path.
func (b *build) defaultBackend(o *object) {
	backend := o.ingress.Spec.DefaultBackend
	if backend == nil || !o.serves() {
		return
	}
	at := field.NewPath("spec", "defaultBackend")
	for i, host := range ingressHosts(o.ingress) {
		m := b.rootMatch(host)
		if _, taken := b.claims[m.Key()]; taken && len(o.ingress.Spec.Rules) > 0 {
			continue
		}
		if !b.claim(o, m, at) {
			continue
		}
		// A rewrite speaks of the groups of a path, and here is none: the path stays.
		route := b.ingressRoute(o, idHost(host), m)
		if i == 0 {
			route.Matches = append(route.Matches, b.freeRoots(o.aliases, m.Path)...)
		}
		b.addIngressRoute(o, route, backend, at)
	}
}

// rootMatch is what a default backend claims of a host.
func (b *build) rootMatch(host string) model.Match {
	m := model.Match{Host: host, Path: model.PathMatch{Value: "/"}}
	if b.regexHosts[host] {
		m.Path, _ = b.regexMatch("/", false)
	}
	return m
}

// freeRoots returns the matches of a default backend on aliases where nobody has them.
func (b *build) freeRoots(hosts []string, path model.PathMatch) []model.Match {
	var list []model.Match
	for _, host := range hosts {
		m := model.Match{Host: host, Path: path.Canonical()}
		if _, taken := b.claims[m.Key()]; !taken {
			list = append(list, m)
		}
	}
	return list
}
