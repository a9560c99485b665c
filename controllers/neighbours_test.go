package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/translate"
)

// rival creates a class of another controller and returns its name and the controller's.
func (n *tenant) rival() (class, controller string) {
	n.t.Helper()
	class, controller = n.name+"-rival", n.controller()+"-rival"
	o := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: controller}}
	n.create(o)
	n.t.Cleanup(func() { _ = n.Client.Delete(n.t.Context(), o) })
	return class, controller
}

// Two controllers with a class each serve their own objects and write their own status. An object that
// changes its class goes over, status and all, and nobody writes into it any more who did before.
func TestTwoControllersLeaveEachOthersObjectsAlone(t *testing.T) {
	n := newTenant(t, "neighbours")
	n.service("chat")
	class, controller := n.rival()
	theirs := n.ingress("theirs", "theirs.example.com", "chat")
	theirs.Spec.IngressClassName = &class
	n.create(n.ingress("ours", "ours.example.com", "chat"), theirs)
	one := n.start(Options{PublishAddresses: []string{"192.0.2.1"}})
	two := n.start(Options{PublishAddresses: []string{"192.0.2.2"}, Translate: translate.Options{ControllerName: controller}, Lease: LeaseOptions{Name: "rival"}})
	n.hasAddresses("ours", "192.0.2.1")
	n.hasAddresses("theirs", "192.0.2.2")
	one.answers("ours.example.com", "200 chat")
	one.answers("theirs.example.com", "404")
	two.answers("theirs.example.com", "200 chat")
	two.answers("ours.example.com", "404")

	moved := n.getIngress("ours")
	moved.Spec.IngressClassName = &class
	if err := n.Client.Update(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	two.answers("ours.example.com", "200 chat")
	one.answers("ours.example.com", "404")
	n.hasAddresses("ours", "192.0.2.2")
	// A change of every object makes both controllers look at all again.
	n.annotate("ours", "example.com/colour", "green")
	n.create(n.ingress("more", "more.example.com", "chat"))
	n.hasAddresses("more", "192.0.2.1")
	n.hasAddresses("ours", "192.0.2.2")
	if told := one.log.count("somebody else overwrites") + two.log.count("somebody else overwrites"); told > 0 {
		t.Error("the two write into the same objects")
	}
}

// With rights in one namespace only, a replica serves this namespace and the class that it was told.
func TestARoleIsEnoughForOneNamespace(t *testing.T) {
	n := newTenant(t, "limited")
	n.as("limited-reader")
	n.may("limited-reader", n.name, slices.Concat(read, report, []rbacv1.PolicyRule{allow("", "secrets,configmaps", "list", "watch")})...)
	outside := n.in(n.namespace("outside"))
	n.service("chat")
	outside.service("chat")
	n.secureIngress("web", "web.example.com", "chat")
	foreign := outside.ingress("web", "outside.example.com", "chat")
	foreign.Spec.IngressClassName = &n.name
	other := n.route("other", "other.example.com", "chat")
	class := "somebody-elses"
	other.Spec.IngressClassName = &class
	n.create(foreign, other)

	r := n.start(Options{PublishAddresses: []string{"192.0.2.1"}, Watch: WatchOptions{Namespaces: []string{n.name}}, Translate: translate.Options{ClassName: n.name}})
	r.certified("web.example.com", "web.example.com")
	n.hasAddresses("web", "192.0.2.1")
	if got := r.get("outside.example.com"); !strings.HasPrefix(got, "404") {
		t.Errorf("another namespace is served: %s", got)
	}
	outside.hasAddresses("web", "")
	if told := n.told("other"); len(told) > 0 {
		t.Errorf("a route whose class may be somebody's was told %q", told)
	}
	if r.log.count("IngressClasses must not be read") != 1 {
		t.Errorf("nobody says that IngressClasses must not be read:\n%s", r.log)
	}
}

// Namespaces and objects can be selected by their labels; a label that comes and goes is noticed.
func TestLabelsSelectWhatIsServed(t *testing.T) {
	n := newTenant(t, "selected")
	team := n.in(n.namespace("team"))
	team.service("chat")
	web := team.ingress("web", "web.example.com", "chat")
	web.Spec.IngressClassName, web.Labels = &n.name, map[string]string{"tier": "public"}
	internal := team.ingress("internal", "internal.example.com", "chat")
	internal.Spec.IngressClassName, internal.Labels = &n.name, map[string]string{"tier": "internal"}
	n.create(web, internal)
	selector := func(text string) labels.Selector {
		s, err := labels.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r := n.start(Options{PublishAddresses: []string{"192.0.2.1"}, Watch: WatchOptions{
		NamespaceSelector: selector("served-by=" + n.name), ObjectSelector: selector("tier!=internal"),
	}})
	r.ready()
	if got := r.get("web.example.com"); !strings.HasPrefix(got, "404") {
		t.Errorf("a namespace without the label is served: %s", got)
	}
	label := func(value string) {
		t.Helper()
		var o corev1.Namespace
		if err := n.Client.Get(t.Context(), client.ObjectKey{Name: team.name}, &o); err != nil {
			t.Fatal(err)
		}
		o.Labels["served-by"] = value
		if err := n.Client.Update(t.Context(), &o); err != nil {
			t.Fatal(err)
		}
	}
	label(n.name)
	r.answers("web.example.com", "200 chat")
	team.hasAddresses("web", "192.0.2.1")
	if got := r.get("internal.example.com"); !strings.HasPrefix(got, "404") {
		t.Errorf("an object that is not selected is served: %s", got)
	}
	label("nobody")
	r.answers("web.example.com", "404")
}

// ReferenceGrants count as soon as the cluster knows the kind, and until it knows it no more; without it
// nothing is wrong.
func TestReferenceGrantsMayBeInstalledLater(t *testing.T) {
	n := newTenant(t, "grants")
	shared := n.in(n.namespace("shared"))
	shared.service("chat")
	route := n.route("chat", "chat.example.com", "chat")
	route.Spec.Rules[0].Backends[0].Namespace = v1alpha1.Namespace(shared.name)
	n.create(route)
	r := n.start(Options{})
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=False/RefNotPermitted")
	if noise := r.log.count("ReferenceGrant") + r.log.count("level=ERROR"); noise > 0 {
		t.Errorf("a kind that is not installed makes noise:\n%s", r.log)
	}

	n.share(grantKind(t))
	grant := &gatewayv1beta1.ReferenceGrant{ObjectMeta: shared.meta("chat"), Spec: gatewayv1beta1.ReferenceGrantSpec{
		From: []gatewayv1beta1.ReferenceGrantFrom{{Group: "fairlead.dev", Kind: "WebSocketRoute", Namespace: gatewayv1.Namespace(n.name)}},
		To:   []gatewayv1beta1.ReferenceGrantTo{{Kind: "Service"}},
	}}
	eventually(t, func() string {
		if err := n.Client.Create(t.Context(), grant); err != nil {
			return fmt.Sprintf("create a grant: %v", err)
		}
		return ""
	})
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	say(t, r.socket("chat.example.com"), "across")

	if err := n.Client.Delete(t.Context(), grantKind(t)); err != nil {
		t.Fatal(err)
	}
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=False/RefNotPermitted")
}

// grantKind returns a CustomResourceDefinition of ReferenceGrants, as far as it matters here.
func grantKind(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	open := true
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&apiextensionsv1.CustomResourceDefinition{
		TypeMeta: metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{
			Name:        "referencegrants.gateway.networking.k8s.io",
			Annotations: map[string]string{"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/891"},
		},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "gateway.networking.k8s.io", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "ReferenceGrant", ListKind: "ReferenceGrantList", Plural: "referencegrants", Singular: "referencegrant"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1beta1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &open}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

// pod creates a pod of a replica that runs on a node and is ready.
func (n *tenant) pod(name, node string) types.NamespacedName {
	n.t.Helper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: n.name, Name: name, Labels: map[string]string{"app": "fairlead", "pod-template-hash": name}},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "fairlead", Image: "fairlead"}}},
	}
	n.create(p)
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	if err := n.Client.Status().Update(n.t.Context(), p); err != nil {
		n.t.Fatal(err)
	}
	return client.ObjectKeyFromObject(p)
}

// node creates a node with addresses.
func (n *tenant) node(name string, addresses ...corev1.NodeAddress) string {
	n.t.Helper()
	o := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name + "-" + name, Labels: map[string]string{corev1.LabelTopologyZone: name}}}
	n.create(o)
	o.Status.Addresses = addresses
	if err := n.Client.Status().Update(n.t.Context(), o); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = n.Client.Delete(n.t.Context(), o) })
	return o.Name
}

// An installation has a leader before its other replicas run: their nodes are told soon, and not with the next look a minute later.
func TestNodesOfReplicasThatComeAfterTheLeaderAreTold(t *testing.T) {
	n := newTenant(t, "after")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"))
	a := n.node("a", corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"})
	b := n.node("b", corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.2"})
	n.start(Options{Pod: n.pod("one", a), Node: a})
	n.hasAddresses("web", "10.0.0.1")
	n.pod("two", b)
	n.hasAddresses("web", "10.0.0.1 10.0.0.2")
}

// Where no Service is published the status has the addresses of the nodes that run replicas. The first
// of two replicas that ends leaves it, and the last one clears it.
func TestTheLastReplicaClearsTheStatus(t *testing.T) {
	n := newTenant(t, "last")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"), n.route("chat", "chat.example.com", "chat"))
	inside := n.node("a", corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"})
	outside := n.node("b", corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.2"}, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "203.0.113.2"})
	first, second := n.pod("one", inside), n.pod("two", outside)

	one := n.start(Options{Pod: first, Node: inside})
	n.hasAddresses("web", "10.0.0.1 203.0.113.2")
	two := n.start(Options{Pod: second, Node: outside})
	two.answers("web.example.com", "200 chat")
	one.stop()
	if one.log.count("another replica serves") != 1 {
		t.Errorf("the first one to end does not see the other:\n%s", one.log)
	}
	n.hasAddresses("web", "10.0.0.1 203.0.113.2")
	if err := n.Client.Delete(t.Context(), &corev1.Pod{ObjectMeta: n.meta("one")}, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if two.log.count("this replica leads") == 0 {
			return "nobody leads"
		}
		return ""
	})
	n.hasAddresses("web", "203.0.113.2")
	two.stop()
	n.hasAddresses("web", "")
	route := n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	if len(route.Status.Addresses) > 0 {
		t.Errorf("the route still has addresses %v", route.Status.Addresses)
	}
}
