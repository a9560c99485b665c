package translate

import networkingv1 "k8s.io/api/networking/v1"

// networkingAnnotation named the class before spec.ingressClassName was there; old manifests still
// have it (Kubernetes documentation, "Deprecated annotation").
const networkingAnnotation = "kubernetes.io/ingress.class"

// classes knows which objects are ours. Those of other controllers are never looked at.
type classes struct {
	names     map[string]bool
	byDefault bool
}

func newClasses(all []*networkingv1.IngressClass, controller string) classes {
	c := classes{names: map[string]bool{}}
	for _, class := range all {
		if class.Spec.Controller != controller {
			continue
		}
		c.names[class.Name] = true
		if class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
			c.byDefault = true
		}
	}
	return c
}

// ours decides by the class that the spec names, else by the one that the annotation names, else
// by whether a class of ours is the default one.
func (c classes) ours(name *string, annotation string) bool {
	switch {
	case name != nil:
		return c.names[*name]
	case annotation != "":
		return c.names[annotation]
	}
	return c.byDefault
}
