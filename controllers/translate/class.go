package translate

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// networkingAnnotation named the class before spec.ingressClassName was there; old manifests still
// have it (Kubernetes documentation, "Deprecated annotation").
const networkingAnnotation = "kubernetes.io/ingress.class"

// classes knows which objects are ours. Those of other controllers are never looked at.
type classes struct {
	ourOwn map[string]bool // by name of every class
	// standard is the name of the default class, "" for none. Of several the newest counts, then the
	// first by name: the rule by which an API server gives an Ingress its class.
	standard string
	// withoutClass makes Ingresses ours that name no class.
	withoutClass bool
	problems     []Problem
}

func newClasses(all []*networkingv1.IngressClass, opts Options) classes {
	c := classes{ourOwn: map[string]bool{}, withoutClass: opts.WithoutClass}
	var standard []*networkingv1.IngressClass
	for _, class := range all {
		c.ourOwn[class.Name] = isOurs(class, opts)
		if class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
			standard = append(standard, class)
		}
	}
	// The name alone makes a class ours where nobody says whose it is, and takes it from no other.
	if _, exists := c.ourOwn[opts.ClassName]; !exists && opts.ClassName != "" {
		c.ourOwn[opts.ClassName] = true
	}
	if len(standard) > 0 {
		c.standard = slices.MinFunc(standard, func(x, y *networkingv1.IngressClass) int {
			return cmp.Or(y.CreationTimestamp.Compare(x.CreationTimestamp.Time), strings.Compare(x.Name, y.Name))
		}).Name
	}
	return c
}

func isOurs(class *networkingv1.IngressClass, opts Options) bool {
	return class.Spec.Controller == cmp.Or(opts.ControllerName, DefaultControllerName)
}

// named returns the class that the spec names, else the one that the annotation names, else the
// default one.
func (c classes) named(name *string, annotation string) string {
	if name != nil {
		return *name
	}
	return cmp.Or(annotation, c.standard)
}

// ofIngress returns the class of an Ingress, and whether it is ours.
func (c classes) ofIngress(i *networkingv1.Ingress) (class string, ours bool) {
	annotation := i.Annotations[networkingAnnotation]
	class = c.named(i.Spec.IngressClassName, annotation)
	return class, c.ourOwn[class] || c.withoutClass && i.Spec.IngressClassName == nil && annotation == ""
}

// stray tells of a WebSocketRoute that nobody serves because its class is not there. The kind is
// ours, so there is no other controller that could tell; an Ingress may be somebody else's.
func (c classes) stray(r *v1alpha1.WebSocketRoute) (ObjectReport, bool) {
	name := c.named(r.Spec.IngressClassName, "")
	if _, exists := c.ourOwn[name]; exists {
		return ObjectReport{}, false
	}
	o := object{report: newReport("WebSocketRoute", &r.ObjectMeta)}
	at := field.NewPath("spec", "ingressClassName")
	if name == "" {
		o.tell(v1alpha1.ReasonClassNotFound, at, "the route names no class and no IngressClass is the default one, so nobody serves the route: name a class")
	} else {
		o.tell(v1alpha1.ReasonClassNotFound, at, "there is no IngressClass %s, so nobody serves the route: create it, or name another one", name)
	}
	return o.report, true
}
