package translate

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// grants are the ReferenceGrants of each namespace (Gateway API, GEP-709): its owner's word that
// objects elsewhere may refer to some of its own.
type grants map[string][]*gatewayv1beta1.ReferenceGrant

func newGrants(all []*gatewayv1beta1.ReferenceGrant) grants {
	g := grants{}
	for _, grant := range all {
		g[grant.Namespace] = append(g[grant.Namespace], grant)
	}
	return g
}

// permit reports whether an object may refer to one of the core group. Within a namespace it may.
func (g grants) permit(o *object, kind, namespace, name string) bool {
	if namespace == o.meta.Namespace {
		return true
	}
	group := networkingv1.GroupName
	if o.route != nil {
		group = v1alpha1.GroupVersion.Group
	}
	return slices.ContainsFunc(g[namespace], func(grant *gatewayv1beta1.ReferenceGrant) bool {
		from := slices.ContainsFunc(grant.Spec.From, func(f gatewayv1beta1.ReferenceGrantFrom) bool {
			return string(f.Group) == group && string(f.Kind) == o.report.Object.Kind && string(f.Namespace) == o.meta.Namespace
		})
		return from && slices.ContainsFunc(grant.Spec.To, func(t gatewayv1beta1.ReferenceGrantTo) bool {
			// An empty name is refused by the schema; whoever wrote it did not mean every object.
			return t.Group == "" && string(t.Kind) == kind && (t.Name == nil || string(*t.Name) == name)
		})
	})
}

// grantAdvice says what a reference to another namespace needs.
func grantAdvice(o *object, kind, namespace string) string {
	return "write a ReferenceGrant in namespace " + namespace + " from " + o.report.Object.Kind + " of namespace " + o.meta.Namespace + " to " + kind + ", or name one of this namespace"
}
