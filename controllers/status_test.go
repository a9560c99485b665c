package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

func (n *tenant) route(name, host string, backends ...string) *v1alpha1.WebSocketRoute {
	rule := v1alpha1.Rule{}
	for _, b := range backends {
		rule.Backends = append(rule.Backends, v1alpha1.Backend{Name: b, Port: intstr.FromInt32(80)})
	}
	return &v1alpha1.WebSocketRoute{ObjectMeta: n.meta(name), Spec: v1alpha1.WebSocketRouteSpec{
		IngressClassName: &n.name, Hosts: []v1alpha1.Hostname{v1alpha1.Hostname(host)}, Rules: []v1alpha1.Rule{rule},
	}}
}

// conditions waits until the route's conditions are the given ones, as "Type=Status/Reason".
func (n *tenant) conditions(name string, want ...string) *v1alpha1.WebSocketRoute {
	n.t.Helper()
	var r v1alpha1.WebSocketRoute
	eventually(n.t, func() string {
		if err := n.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.name, Name: name}, &r); err != nil {
			return err.Error()
		}
		var got []string
		for _, c := range r.Status.Conditions {
			if c.ObservedGeneration != r.Generation {
				return fmt.Sprintf("%s speaks of generation %d, the route is at %d", c.Type, c.ObservedGeneration, r.Generation)
			}
			got = append(got, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%s has conditions %v, want %v", name, got, want)
		}
		return ""
	})
	return &r
}

// told returns the Events about an object, as "Type Reason Field: Note".
func (n *tenant) told(name string) []string {
	n.t.Helper()
	var list eventsv1.EventList
	if err := n.Client.List(n.t.Context(), &list, client.InNamespace(n.name)); err != nil {
		n.t.Fatal(err)
	}
	var told []string
	for _, e := range list.Items {
		if e.Regarding.Name == name {
			told = append(told, fmt.Sprintf("%s %s %s: %s", e.Type, e.Reason, e.Regarding.FieldPath, e.Note))
		}
	}
	return told
}

// tells waits until there is one Event about an object that begins so.
func (n *tenant) tells(name, beginning string) {
	n.t.Helper()
	eventually(n.t, func() string {
		told := n.told(name)
		found := 0
		for _, line := range told {
			if strings.HasPrefix(line, beginning) {
				found++
			}
		}
		if found != 1 {
			return fmt.Sprintf("%d events about %s begin with %q: %q", found, name, beginning, told)
		}
		return ""
	})
}

// An owner reads in conditions, addresses and Events what became of his object, and what to do.
func TestOwnersReadWhatBecameOfTheirObjects(t *testing.T) {
	n := newTenant(t, "owners")
	n.service("chat")
	other := "somebody-elses"
	foreign := n.ingress("foreign", "foreign.example.com", "chat")
	foreign.Spec.IngressClassName = &other
	bad := n.ingress("bad", "bad.example.com", "chat")
	bad.Annotations = map[string]string{"fairlead.dev/idle-timeout": "a while", "fairlead.dev/idle-timeot": "1h"}
	n.create(
		n.route("good", "good.example.com", "chat"),
		n.route("lost", "lost.example.com", "nowhere"),
		n.ingress("web", "web.example.com", "chat"),
		bad, foreign)
	r := n.start(Options{PublishAddresses: []string{"192.0.2.7", "lb.example.com"}})

	good := n.conditions("good", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	want := []v1alpha1.Address{{Type: v1alpha1.IPAddressType, Value: "192.0.2.7"}, {Type: v1alpha1.HostnameAddressType, Value: "lb.example.com"}}
	if !slices.Equal(good.Status.Addresses, want) {
		t.Errorf("addresses %v", good.Status.Addresses)
	}
	n.tells("good", "Normal Programmed : published as 1 route")

	lost := n.conditions("lost", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=False/BackendNotFound")
	if c := meta.FindStatusCondition(lost.Status.Conditions, "ResolvedRefs"); !strings.Contains(c.Message, "nowhere") || !strings.Contains(c.Message, "spec.rules[0].backends[0]") {
		t.Errorf("the message does not help: %q", c.Message)
	}
	n.tells("lost", "Warning BackendNotFound spec.rules[0].backends[0]")

	n.hasAddresses("web", "192.0.2.7 lb.example.com")
	n.hasAddresses("bad", "192.0.2.7 lb.example.com")
	n.tells("web", "Normal Programmed : published as 1 route")
	n.tells("bad", "Warning InvalidAnnotation metadata.annotations[fairlead.dev/idle-timeout]")
	n.tells("bad", "Warning UnknownAnnotation metadata.annotations[fairlead.dev/idle-timeot]")

	// What has been told is not told again when something else changes.
	n.annotate("bad", "example.com/colour", "green")
	n.annotate("web", "example.com/colour", "green")
	n.service("nowhere")
	n.conditions("lost", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	if told := n.told("bad"); len(told) != 3 {
		t.Errorf("told %q, want two problems and Programmed", told)
	}
	// Another mistake in the same annotation is news.
	n.annotate("bad", "fairlead.dev/idle-timeout", "eternal")
	eventually(t, func() string {
		if told := n.told("bad"); !strings.Contains(strings.Join(told, "\n"), "eternal") {
			return fmt.Sprintf("the new value is not told: %q", told)
		}
		return ""
	})
	if told := n.told("foreign"); len(told) > 0 {
		t.Errorf("somebody else's Ingress was told %q", told)
	}
	n.hasAddresses("foreign", "")
	if got := r.get("bad.example.com"); got != "200 chat" {
		t.Errorf("an Ingress with a bad annotation is not served: %s", got)
	}
}

func (n *tenant) getIngress(name string) *networkingv1.Ingress {
	n.t.Helper()
	var i networkingv1.Ingress
	if err := n.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.name, Name: name}, &i); err != nil {
		n.t.Fatal(err)
	}
	return &i
}

func (n *tenant) annotate(name, key, value string) {
	n.t.Helper()
	i := n.getIngress(name)
	patch := client.MergeFrom(i.DeepCopy())
	metav1.SetMetaDataAnnotation(&i.ObjectMeta, key, value)
	if err := n.Client.Patch(n.t.Context(), i, patch); err != nil {
		n.t.Fatal(err)
	}
}

func (n *tenant) hasAddresses(name, want string) {
	n.t.Helper()
	eventually(n.t, func() string {
		var got []string
		for _, a := range n.getIngress(name).Status.LoadBalancer.Ingress {
			got = append(got, a.IP+a.Hostname)
		}
		if strings.Join(got, " ") != want {
			return fmt.Sprintf("%s has addresses %q, want %q", name, got, want)
		}
		return ""
	})
}

// A status that somebody else overwrites is put right, and follows the Service that is published.
func TestStatusIsPutRight(t *testing.T) {
	n := newTenant(t, "right")
	n.service("chat")
	n.service("lb")
	n.create(n.ingress("web", "web.example.com", "chat"))
	n.start(Options{PublishService: client.ObjectKey{Namespace: n.name, Name: "lb"}})
	n.tells("web", "Normal Programmed")

	i := n.getIngress("web")
	inside := i.Status.LoadBalancer.Ingress[0].IP // without a load balancer: the address in the cluster
	i.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "203.0.113.1"}}
	if err := n.Client.Status().Update(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	n.hasAddresses("web", inside)
}

// A Service that comes and goes is one Event that counts, not one for each time.
func TestWhatComesAndGoesIsOneEvent(t *testing.T) {
	n := newTenant(t, "flapping")
	n.service("chat")
	n.create(n.route("flap", "flap.example.com", "chat"))
	n.start(Options{})
	service := &corev1.Service{ObjectMeta: n.meta("chat"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	for range 3 {
		n.conditions("flap", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
		if err := n.Client.Delete(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		n.conditions("flap", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=False/BackendNotFound")
		service = &corev1.Service{ObjectMeta: service.ObjectMeta, Spec: service.Spec}
		service.ResourceVersion, service.UID = "", ""
		n.create(service)
	}
	n.create(n.route("other", "other.example.com", "nowhere"))
	n.tells("other", "Warning BackendNotFound") // sent after those about the first one
	n.tells("flap", "Warning BackendNotFound")
}

// A route whose class is deleted is served no more and says so; with the class it comes back.
func TestARouteWhoseClassIsGoneSaysSo(t *testing.T) {
	n := newTenant(t, "classless")
	n.service("chat")
	n.create(n.route("chat", "chat.example.com", "chat"))
	n.start(Options{PublishAddresses: []string{"192.0.2.1"}})
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")

	class := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: n.name}}
	if err := n.Client.Delete(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	gone := n.conditions("chat", "Accepted=False/ClassNotFound", "Programmed=False/ClassNotFound", "ResolvedRefs=Unknown/Pending")
	if len(gone.Status.Addresses) > 0 {
		t.Errorf("a route that nobody serves has addresses %v", gone.Status.Addresses)
	}
	n.tells("chat", "Warning ClassNotFound spec.ingressClassName")

	class.Spec.Controller, class.ResourceVersion = n.controller(), ""
	n.create(class)
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
}

// A Service to publish that is not there is told; once it is there its addresses are written.
func TestAMissingServiceToPublishIsTold(t *testing.T) {
	n := newTenant(t, "unlocated")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"))
	r := n.start(Options{PublishService: client.ObjectKey{Namespace: n.name, Name: "lb"}})
	r.answers("web.example.com", "200 chat")
	n.create(n.ingress("more", "more.example.com", "chat"))
	r.answers("more.example.com", "200 chat")
	if told := r.log.count("does not exist"); told != 1 {
		t.Errorf("told %d times", told)
	}
	n.create(&corev1.Service{ObjectMeta: n.meta("lb"), Spec: corev1.ServiceSpec{
		Ports: []corev1.ServicePort{{Port: 80}}, ExternalIPs: []string{"192.0.2.9"},
	}})
	n.hasAddresses("web", "192.0.2.9")
}

// Two controllers that were given the same class by mistake want different addresses. They must not
// drown the API server in writes, and one of them says what is wrong.
func TestTwoControllersOfOneClassDontDrownTheAPIServer(t *testing.T) {
	n := newTenant(t, "contested")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"))
	one := n.start(Options{PublishAddresses: []string{"192.0.2.1"}})
	n.hasAddresses("web", "192.0.2.1")
	two := n.start(Options{PublishAddresses: []string{"192.0.2.2"}, Lease: LeaseOptions{Namespace: "default"}})
	watched, err := n.Client.Watch(t.Context(), &networkingv1.IngressList{}, client.InNamespace(n.name))
	if err != nil {
		t.Fatal(err)
	}
	writes := make(chan int)
	go func() {
		n := 0
		for range watched.ResultChan() {
			n++
		}
		writes <- n
	}()
	eventually(t, func() string {
		if one.log.count("somebody else overwrites")+two.log.count("somebody else overwrites") == 0 {
			return "nobody says that two write"
		}
		return ""
	})
	watched.Stop()
	if n := <-writes; n > 20 {
		t.Errorf("%d versions of one Ingress", n)
	}
}
