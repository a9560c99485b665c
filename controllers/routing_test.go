package controllers

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/controllers/translate"
)

// ready waits until the replica wants connections.
func (r *replica) ready() {
	r.t.Helper()
	eventually(r.t, func() string {
		if err := r.Ready(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// answers waits until the replica answers so for a host.
func (r *replica) answers(host, want string) {
	r.t.Helper()
	eventually(r.t, func() string {
		if got := r.get(host); !strings.HasPrefix(got, want) {
			return fmt.Sprintf("%s answers %q, not %q", host, got, want)
		}
		return ""
	})
}

// A cluster without any route has a first table too: the replica is ready and answers 404.
func TestEmptyClusterIsReady(t *testing.T) {
	r := newTenant(t, "empty").start(Options{})
	r.ready()
	if got := r.get("nobody.example.com"); !strings.HasPrefix(got, "404 NoRoute") {
		t.Errorf("answered %s", got)
	}
}

// A burst of changes is a few publishes; a status, a label or a timestamp is none.
func TestBurstsBecomeFewPublishes(t *testing.T) {
	const objects, interval = 150, 200 * time.Millisecond
	n := newTenant(t, "burst")
	n.service("chat")
	r := n.start(Options{PublishInterval: interval, PublishAddresses: []string{"192.0.2.1"}})
	r.ready()
	begin, before := time.Now(), r.log.count("route table published")
	for i := range objects {
		n.create(n.ingress(fmt.Sprintf("web-%d", i), fmt.Sprintf("h%d.example.com", i), "chat"))
	}
	r.answers(fmt.Sprintf("h%d.example.com", objects-1), "200")
	most := int(time.Since(begin)/interval) + 2
	if got := r.log.count("route table published") - before; got > most || got < 1 {
		t.Errorf("%d publishes in %s: more than one per %s", got, time.Since(begin), interval)
	}

	n.hasAddresses(fmt.Sprintf("web-%d", objects-1), "192.0.2.1")
	before = r.log.count("route table published")
	slice := &discoveryv1.EndpointSlice{}
	if err := n.Client.Get(t.Context(), client.ObjectKey{Namespace: n.name, Name: "chat"}, slice); err != nil {
		t.Fatal(err)
	}
	metav1.SetMetaDataAnnotation(&slice.ObjectMeta, corev1.EndpointsLastChangeTriggerTime, time.Now().Format(time.RFC3339))
	if err := n.Client.Update(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
	n.create(n.ingress("last", "last.example.com", "chat"))
	r.answers("last.example.com", "200")
	if got := r.log.count("route table published") - before; got != 1 {
		t.Errorf("%d publishes for one new Ingress", got)
	}
}

// The leader alone writes; when it goes the other takes over, and both served all the time.
func TestLeaderHandsOver(t *testing.T) {
	n := newTenant(t, "lease")
	n.service("chat")
	first := n.start(Options{})
	first.ready()
	n.create(n.route("one", "one.example.com", "chat"))
	n.conditions("one", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	second := n.start(Options{})
	second.answers("one.example.com", "426") // a WebSocketRoute takes no plain request
	if second.log.count("this replica leads") > 0 || n.holder() == "" {
		t.Fatal("two replicas lead")
	}
	was := n.holder()
	first.stop()
	// Nobody but the new leader can write this one.
	n.create(n.route("two", "two.example.com", "chat"))
	n.conditions("two", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	if now := n.holder(); now == was {
		t.Errorf("the lease is still held by %q", now)
	}
	n.tells("one", "Normal Programmed") // and not once more by the new leader
}

// Two controllers of different names, installed side by side, don't compete for one Lease: the status
// of the classes of one of them would never be written.
func TestEachControllerNameHasALeaseOfItsOwn(t *testing.T) {
	lease := func(controller string) string { return nameFor(controller, "fairlead-leader") }
	internal, other := lease("example.com/Internal"), lease("example.com/other")
	if lease("") != "fairlead-leader" || lease(translate.DefaultControllerName) != "fairlead-leader" || internal == other {
		t.Errorf("leases %q, %q, %q", lease(""), internal, other)
	}
	if wrong := validation.IsDNS1123Subdomain(internal); len(wrong) > 0 {
		t.Errorf("%q can't be the name of a Lease: %v", internal, wrong)
	}
}

func (n *tenant) holder() string {
	n.t.Helper()
	var lease coordinationv1.Lease
	if err := n.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.name, Name: n.name}, &lease); err != nil {
		n.t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// The API server goes away for longer than the lease lasts. Sockets stay, new ones are served, the
// replica stays ready and says in a metric what is the matter; then everything goes on as before.
func TestAPIServerGoesAwayAndComesBack(t *testing.T) {
	n := newTenant(t, "away")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"))
	r := n.start(Options{})
	r.answers("web.example.com", "200 chat")
	eventually(t, func() string {
		if r.log.count("this replica leads:") != 1 {
			return "the only replica does not lead"
		}
		return ""
	})
	socket := r.socket("web.example.com")
	say(t, socket, "before")

	if err := n.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	late := n.start(Options{}) // a replica that starts meanwhile waits
	eventually(t, func() string {
		switch {
		case !strings.Contains(r.admin("/metrics"), "\nfairlead_control_plane_up 0\n"):
			return "the metric does not say that the control plane is down"
		case r.log.count("leads no more") == 0:
			return "the lease is not lost"
		}
		return ""
	})
	say(t, socket, "during")
	say(t, r.socket("web.example.com"), "new")
	if got := r.admin("/readyz"); !strings.HasPrefix(got, "200") {
		t.Errorf("not ready without an API server: %s", got)
	}
	if late.Ready() == nil || late.log.count("waiting for the cluster") == 0 {
		t.Errorf("a replica without any table is ready, or does not say what it waits for:\n%s", late.log)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	n.create(n.route("after", "after.example.com", "chat"))
	n.conditions("after", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	r.answers("after.example.com", "426")
	late.answers("web.example.com", "200 chat")
	say(t, socket, "after")
	eventually(t, func() string {
		if !strings.Contains(r.admin("/metrics"), "\nfairlead_control_plane_up 1\n") {
			return "the metric does not say that the control plane is back"
		}
		return ""
	})
}

func TestOnlyChangesThatMatterCount(t *testing.T) {
	ingress := func(change func(*networkingv1.Ingress)) *networkingv1.Ingress {
		i := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Generation: 1, ResourceVersion: "1", Annotations: map[string]string{"a": "b"}}}
		change(i)
		return i
	}
	for name, c := range map[string]struct {
		change func(*networkingv1.Ingress)
		counts bool
	}{
		"status": {func(i *networkingv1.Ingress) {
			i.Status.LoadBalancer.Ingress = make([]networkingv1.IngressLoadBalancerIngress, 1)
		}, false},
		"version":    {func(i *networkingv1.Ingress) { i.ResourceVersion = "2" }, false},
		"spec":       {func(i *networkingv1.Ingress) { i.Generation = 2 }, true},
		"annotation": {func(i *networkingv1.Ingress) { i.Annotations["a"] = "c" }, true},
	} {
		if got := specChanged(ingress(func(*networkingv1.Ingress) {}), ingress(c.change)); got != c.counts {
			t.Errorf("%s: counts is %t", name, got)
		}
	}

	plain, balanced := &corev1.Service{}, &corev1.Service{}
	balanced.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
	if serviceChanged(plain, balanced, false) || !serviceChanged(plain, balanced, true) {
		t.Error("the status of a Service counts where its addresses are published, and nowhere else")
	}
	port := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}}
	if !serviceChanged(plain, port, false) {
		t.Error("a new port of a Service does not count")
	}
	moved := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{discoveryv1.LabelServiceName: "b"}}}
	touched := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": "b"}}}
	if !endpointsChanged(&discoveryv1.EndpointSlice{}, moved) || endpointsChanged(&discoveryv1.EndpointSlice{}, touched) {
		t.Error("of a slice's metadata the owning Service counts, and nothing else")
	}
}
