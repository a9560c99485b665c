package translate

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// mainServes is what happens to the requests that a canary can't have.
const mainServes = "the main Ingress serves all requests"

// canary puts the backends of a canary Ingress beside those of the routes that have its hosts and
// paths. They must be of an Ingress of its namespace: nobody may take requests from other tenants.
func (b *build) canary(o *object) {
	if o.settings.Canary == nil || o.settings.LeftOutBy != "" {
		return
	}
	var main *object
	try := func(m model.Match, backend *networkingv1.IngressBackend, at *field.Path) {
		if found := b.canaryOf(o, m, backend, at); found != nil && main == nil {
			main = found
		}
	}
	for i := range o.ingress.Spec.Rules {
		rule := &o.ingress.Spec.Rules[i]
		if rule.HTTP == nil {
			continue
		}
		host := strings.ToLower(rule.Host)
		for j := range rule.HTTP.Paths {
			path, at := &rule.HTTP.Paths[j], field.NewPath("spec", "rules").Index(i).Child("http", "paths").Index(j)
			match, err := b.ingressMatch(o, host, path)
			if err != nil {
				o.tell(v1alpha1.ReasonInvalid, at.Child("path"), "%v; the path is not served: correct it", err)
				continue
			}
			try(model.Match{Host: host, Path: match}, &path.Backend, at)
		}
	}
	if backend := o.ingress.Spec.DefaultBackend; backend != nil {
		for _, host := range ingressHosts(o.ingress) {
			try(b.rootMatch(host), backend, field.NewPath("spec", "defaultBackend"))
		}
	}
	if main != nil {
		o.tellIgnored(main)
	}
}

// canaryOf adds the backend to the route of a match, and returns whose route it is.
func (b *build) canaryOf(o *object, m model.Match, backend *networkingv1.IngressBackend, at *field.Path) *object {
	owner, found := b.claims[m.Key()]
	switch {
	case !found || owner.route < 0:
		o.tell(v1alpha1.ReasonInvalid, at, "no Ingress without the annotation canary has this path on %s, so the canary serves nothing here: write the main Ingress, or correct host, path and pathType", hostText(m.Host))
		return nil
	case owner.object.ingress == nil:
		o.tell(v1alpha1.ReasonUnsupportedValue, at, "the path belongs to %s, which has no canaries: give its backends weights instead", owner.object.report.Object)
		return nil
	case owner.object.meta.Namespace != o.meta.Namespace:
		o.tell(v1alpha1.ReasonUnsupportedValue, at, "the path belongs to %s, and a canary must be in the same namespace: move it there", owner.object.report.Object)
		return nil
	}
	if first := b.canaries[owner.route]; first != nil {
		o.tell(v1alpha1.ReasonConflicted, at, "the path has a canary, that of %s, and a path has but one: remove one of them", first.nameFor(o, "an earlier rule"))
		return owner.object
	}
	b.canaries[owner.route] = o
	if at.String() != "spec.defaultBackend" {
		at = at.Child("backend")
	}
	ref, found := b.ingressBackend(o, owner.object, backend, at, mainServes)
	if !found {
		return owner.object
	}
	canary := *o.settings.Canary
	canary.Backend = ref
	b.cfg.Routes[owner.route].Canary = &canary
	o.report.Routes++
	return owner.object
}

// tellIgnored tells of annotations of a canary that count for nothing: the route is the main
// Ingress's, and treats all requests as that one says.
func (o *object) tellIgnored(main *object) {
	for _, key := range slices.Sorted(maps.Keys(o.ingress.Annotations)) {
		name, nginx := strings.CutPrefix(key, annotations.NginxPrefix)
		if !nginx && !strings.HasPrefix(key, annotations.OurPrefix) || strings.HasPrefix(name, "canary") || name == "affinity-canary-behavior" {
			continue
		}
		if main.ingress.Annotations[key] == o.ingress.Annotations[key] || o.told(annotation(key)) {
			continue
		}
		o.tell(v1alpha1.ReasonUnsupportedAnnotation, annotation(key), "a canary is treated as its main Ingress says, so the annotation has no effect: write it into %s, or remove it", main.report.Object)
	}
}

// told reports whether there is a problem at a field.
func (o *object) told(at *field.Path) bool {
	return slices.ContainsFunc(o.report.Problems, func(p Problem) bool { return p.Field == at.String() })
}
