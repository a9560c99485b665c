package controllers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

const (
	fieldOwner = "fairlead"
	// maxMessage is less than the 32,768 characters that metav1.Condition allows, and enough to read.
	maxMessage = 2048
	// maxAddresses is what the schema of WebSocketRoute allows.
	maxAddresses = 16
)

// setConditions brings the three conditions in line with the report of a table that is in force.
func setConditions(conditions *[]metav1.Condition, r translate.ObjectReport) {
	var accepted, refs []translate.Problem
	for _, p := range r.Problems {
		if p.Reason.Condition() == v1alpha1.ConditionResolvedRefs {
			refs = append(refs, p)
		} else {
			accepted = append(accepted, p)
		}
	}
	served := r.Routes > 0
	set := func(t v1alpha1.ConditionType, ok bool, good v1alpha1.Reason, message string, problems []translate.Problem) {
		c := metav1.Condition{Type: string(t), Status: metav1.ConditionTrue, Reason: string(good), Message: message, ObservedGeneration: r.Object.Generation}
		if len(problems) > 0 {
			c.Message = describe(problems)
		}
		if !ok {
			c.Status = metav1.ConditionFalse
			c.Reason = string(v1alpha1.ReasonInvalid)
			if len(problems) > 0 {
				c.Reason = string(problems[0].Reason)
			}
		}
		meta.SetStatusCondition(conditions, c)
	}
	all := slices.Concat(accepted, refs) // a route that is not served owes it to the first of these
	if served {
		set(v1alpha1.ConditionAccepted, true, v1alpha1.ReasonAccepted, "the route is valid", accepted)
		set(v1alpha1.ConditionProgrammed, true, v1alpha1.ReasonProgrammed, fmt.Sprintf("published as %s", count(r.Routes, "route")), nil)
	} else {
		set(v1alpha1.ConditionAccepted, false, v1alpha1.ReasonAccepted, "no rule can be served", all)
		set(v1alpha1.ConditionProgrammed, false, v1alpha1.ReasonProgrammed, "no rule can be served", all)
	}
	if slices.ContainsFunc(accepted, func(p translate.Problem) bool { return p.Reason == v1alpha1.ReasonClassNotFound }) {
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: string(v1alpha1.ConditionResolvedRefs), Status: metav1.ConditionUnknown, Reason: string(v1alpha1.ReasonPending),
			Message: "not looked at: nobody serves the route", ObservedGeneration: r.Object.Generation,
		})
		return
	}
	set(v1alpha1.ConditionResolvedRefs, len(refs) == 0, v1alpha1.ReasonResolvedRefs, "every Service, port and Secret exists", refs)
}

// describe puts problems into one message.
func describe(problems []translate.Problem) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.Message
		if p.Field != "" {
			lines[i] = p.Field + ": " + p.Message
		}
	}
	return shorten(strings.Join(lines, "\n"), maxMessage)
}

// shorten cuts a message to at most n bytes, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// servedBefore says whether the status of an object shows that it was served already.
func servedBefore(o client.Object) bool {
	switch o := o.(type) {
	case *networkingv1.Ingress:
		return len(o.Status.LoadBalancer.Ingress) > 0
	case *v1alpha1.WebSocketRoute:
		return meta.IsStatusConditionTrue(o.Status.Conditions, string(v1alpha1.ConditionProgrammed))
	}
	return false
}

// sameStatus compares the status of two versions of an object.
func sameStatus(a, b client.Object) bool {
	switch a := a.(type) {
	case *networkingv1.Ingress:
		return equality.Semantic.DeepEqual(a.Status, b.(*networkingv1.Ingress).Status)
	case *v1alpha1.WebSocketRoute:
		return equality.Semantic.DeepEqual(a.Status, b.(*v1alpha1.WebSocketRoute).Status)
	}
	return true
}

// addresses returns where clients reach this controller, as the options say, and whether what they
// name is there.
func addresses(s *snapshot.Snapshot, o Options) (list []v1alpha1.Address, found bool) {
	if o.PublishService.Name == "" {
		return typed(o.PublishAddresses), true
	}
	for _, service := range s.Services {
		if client.ObjectKeyFromObject(service) == o.PublishService {
			return typed(serviceAddresses(service)), true
		}
	}
	return nil, false
}

// serviceAddresses returns the outermost addresses that a Service has: its load balancer's, else its
// external ones, else those inside the cluster.
func serviceAddresses(s *corev1.Service) []string {
	var found []string
	for _, i := range s.Status.LoadBalancer.Ingress {
		if i.IP != "" {
			found = append(found, i.IP)
		} else if i.Hostname != "" {
			found = append(found, i.Hostname)
		}
	}
	switch {
	case len(found) > 0:
		return found
	case len(s.Spec.ExternalIPs) > 0:
		return s.Spec.ExternalIPs
	case s.Spec.Type == corev1.ServiceTypeLoadBalancer:
		return nil // it will have one
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		return []string{s.Spec.ExternalName}
	case s.Spec.ClusterIP != corev1.ClusterIPNone:
		return s.Spec.ClusterIPs
	}
	return nil
}

// typed says of every address whether it is an IP address or a DNS name. A status has room for
// maxAddresses.
func typed(values []string) []v1alpha1.Address {
	var list []v1alpha1.Address
	for _, v := range values[:min(len(values), maxAddresses)] {
		t := v1alpha1.HostnameAddressType
		if _, err := netip.ParseAddr(v); err == nil {
			t = v1alpha1.IPAddressType
		}
		list = append(list, v1alpha1.Address{Type: t, Value: v})
	}
	return list
}

// loadBalancer puts addresses into the form that an Ingress has for them.
func loadBalancer(addresses []v1alpha1.Address) []networkingv1.IngressLoadBalancerIngress {
	var list []networkingv1.IngressLoadBalancerIngress
	for _, a := range addresses {
		if a.Type == v1alpha1.IPAddressType {
			list = append(list, networkingv1.IngressLoadBalancerIngress{IP: a.Value})
		} else {
			list = append(list, networkingv1.IngressLoadBalancerIngress{Hostname: a.Value})
		}
	}
	return list
}
