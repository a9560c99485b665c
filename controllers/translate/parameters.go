package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
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
			b.problems = append(b.problems, Problem{Reason: reason, Field: "spec.parameters" + at, Message: "IngressClass " + class.Name + ": " + fmt.Sprintf(format, args...)})
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
		b.routeDefaults[class.Name] = routeDefaults(found.Data)
		for _, problem := range problems {
			tell(problem.Reason, "", "ConfigMap %s/%s: %s: %s", *p.Namespace, p.Name, problem.Key, problem.Message)
		}
	}
	slices.SortFunc(b.problems, func(x, y Problem) int { return strings.Compare(x.Message, y.Message) })
	return defaults
}

// routeDefaults are the parameters of a class for WebSocketRoutes. Those of ingress-nginx that
// Options.NginxDefaults puts below are for Ingresses alone.
func routeDefaults(data map[string]string) *annotations.Settings {
	defaults, _ := annotations.ParseDefaults(data) // what is wrong was told
	settings, _ := annotations.Parse(nil, defaults)
	return &settings
}

// fill sets what a WebSocketRoute leaves unset to the parameters of its class: what means the same for
// both kinds.
func (w *written) fill(route *model.Route, d *annotations.Settings) {
	if d == nil {
		return
	}
	fillTimeouts(&route.Timeouts, d.Timeouts)
	route.Keepalive = model.Keepalive{
		Interval: cmp.Or(route.Keepalive.Interval, d.Keepalive.Interval),
		Timeout:  cmp.Or(route.Keepalive.Timeout, d.Keepalive.Timeout),
		Peers:    route.Keepalive.Peers,
	}
	if w.Keepalive == nil || w.Keepalive.Peers == "" {
		route.Keepalive.Peers = d.Keepalive.Peers
	}
	route.Drain = model.Drain{
		Deadline:  cmp.Or(route.Drain.Deadline, d.Drain.Deadline),
		Spread:    cmp.Or(route.Drain.Spread, d.Drain.Spread),
		CloseCode: cmp.Or(route.Drain.CloseCode, d.Drain.CloseCode),
	}
	if w.Retries == nil {
		route.Retries = d.Retries
	}
	if w.Balance == nil {
		route.Balance = d.Balance
	}
	if w.Limits == nil {
		route.Limits = d.Limits
	}
	if w.InsecureWebSocket == "" {
		route.InsecureUpgrade = d.InsecureUpgrade
	}
	if w.BackendTLS == nil {
		route.BackendTLS = d.BackendTLS
	}
	fillAccess(&route.Access, d.Access)
	route.NoLog = d.NoLog
}

func fillTimeouts(to *model.Timeouts, d model.Timeouts) {
	to.Connect = cmp.Or(to.Connect, d.Connect)
	to.Handshake = cmp.Or(to.Handshake, d.Handshake)
	to.Idle = cmp.Or(to.Idle, d.Idle)
	to.Stall = cmp.Or(to.Stall, d.Stall)
	to.MaxAge = cmp.Or(to.MaxAge, d.MaxAge)
	to.MaxAgeJitter = cmp.Or(to.MaxAgeJitter, d.MaxAgeJitter)
	to.Close = cmp.Or(to.Close, d.Close)
}

// fillAccess takes over each guard that the route has not set otherwise.
func fillAccess(to *model.Access, d model.Access) {
	if len(to.Allow) == 0 {
		to.Allow = d.Allow
	}
	if len(to.Deny) == 0 {
		to.Deny = d.Deny
	}
	if len(to.Origins) == 0 {
		to.Origins = d.Origins
	}
	to.External = cmp.Or(to.External, d.External)
	to.Sealed = cmp.Or(to.Sealed, d.Sealed)
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
