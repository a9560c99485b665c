package nginx

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// hoist moves to the route what the policies of all its rules say, so that it is written once.
func hoist(spec *v1alpha1.WebSocketRouteSpec) {
	first := spec.Rules[0].Policy.DeepCopy()
	all := &v1alpha1.Policy{}
	hoistField(spec, first.Protocols, func(p *v1alpha1.Policy) *[]v1alpha1.Protocol { return &p.Protocols }, all)
	hoistField(spec, first.Timeouts, func(p *v1alpha1.Policy) **v1alpha1.Timeouts { return &p.Timeouts }, all)
	hoistField(spec, first.Balance, func(p *v1alpha1.Policy) **v1alpha1.Balance { return &p.Balance }, all)
	hoistField(spec, first.Retries, func(p *v1alpha1.Policy) **v1alpha1.Retries { return &p.Retries }, all)
	hoistField(spec, first.Limits, func(p *v1alpha1.Policy) **v1alpha1.Limits { return &p.Limits }, all)
	hoistField(spec, first.Access, func(p *v1alpha1.Policy) **v1alpha1.Access { return &p.Access }, all)
	hoistField(spec, first.Headers, func(p *v1alpha1.Policy) **v1alpha1.Headers { return &p.Headers }, all)
	hoistField(spec, first.BackendTLS, func(p *v1alpha1.Policy) **v1alpha1.BackendTLS { return &p.BackendTLS }, all)
	hoistField(spec, first.InsecureWebSocket, func(p *v1alpha1.Policy) *v1alpha1.InsecureWebSocket { return &p.InsecureWebSocket }, all)
	if empty := (v1alpha1.Policy{}); !equality.Semantic.DeepEqual(*all, empty) {
		spec.Policy = all
	}
	for i := range spec.Rules {
		if equality.Semantic.DeepEqual(*spec.Rules[i].Policy, v1alpha1.Policy{}) {
			spec.Rules[i].Policy = nil
		}
	}
}

func hoistField[T any](spec *v1alpha1.WebSocketRouteSpec, value T, field func(*v1alpha1.Policy) *T, all *v1alpha1.Policy) {
	for i := range spec.Rules {
		if !equality.Semantic.DeepEqual(*field(spec.Rules[i].Policy), value) {
			return
		}
	}
	*field(all) = value
	var unset T
	for i := range spec.Rules {
		*field(spec.Rules[i].Policy) = unset
	}
}
