package translate

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
)

// classDefaults reads the ConfigMaps that our IngressClasses name in spec.parameters: what objects of
// a class have that say nothing else. A class whose ConfigMap can't be had serves without.
func (b *build) classDefaults(all []*networkingv1.IngressClass) map[string]annotations.Defaults {
	defaults := map[string]annotations.Defaults{}
	for _, class := range all {
		if class.Spec.Parameters == nil || !isOurs(class, b.opts) {
			continue
		}
		tell := func(reason v1alpha1.Reason, at, format string, args ...any) {
			b.problems = append(b.problems, Problem{reason, "spec.parameters" + at, "IngressClass " + class.Name + ": " + fmt.Sprintf(format, args...)})
		}
		p := class.Spec.Parameters
		if ptr.Deref(p.APIGroup, "") != "" || p.Kind != "ConfigMap" {
			tell(v1alpha1.ReasonUnsupportedValue, ".kind", "the parameters of a class are a ConfigMap here, and no %s, so they have no effect: name a ConfigMap, or remove them", p.Kind)
			continue
		}
		if ptr.Deref(p.Scope, "") != networkingv1.IngressClassParametersReferenceScopeNamespace || ptr.Deref(p.Namespace, "") == "" {
			tell(v1alpha1.ReasonUnsupportedValue, ".scope", "a ConfigMap has a namespace, so the parameters have no effect: set scope to Namespace, and the namespace")
			continue
		}
		found, err := b.refs.configMap(types.NamespacedName{Namespace: *p.Namespace, Name: p.Name})
		if err != nil {
			tell(v1alpha1.ReasonInvalidRef, ".name", "%v, so its objects have the built-in defaults", err)
			continue
		}
		var problems []annotations.Problem
		defaults[class.Name], problems = b.builtIn().With(found.Data)
		for _, problem := range problems {
			tell(problem.Reason, "", "ConfigMap %s/%s: %s: %s", *p.Namespace, p.Name, problem.Key, problem.Message)
		}
	}
	slices.SortFunc(b.problems, func(x, y Problem) int { return strings.Compare(x.Message, y.Message) })
	return defaults
}

// builtIn returns the defaults of classes without parameters.
func (b *build) builtIn() annotations.Defaults {
	if b.opts.NginxDefaults {
		return annotations.NginxDefaults()
	}
	return annotations.Defaults{}
}

// defaultsOf returns what counts for Ingresses of a class that say nothing else.
func (b *build) defaultsOf(class string) annotations.Defaults {
	if d, found := b.defaults[class]; found {
		return d
	}
	return b.builtIn()
}
