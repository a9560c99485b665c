package controllers

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/controllers/translate"
)

// A replica sends to the endpoints that hints give to the zone of its Node, unless it was told another zone.
func TestHintsCountForTheZoneOfTheNode(t *testing.T) {
	n := newTenant(t, "zones")
	n.service("here")
	n.service("there")
	n.create(&corev1.Service{ObjectMeta: n.meta("chat"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	for name, zone := range map[string]string{"here": "a", "there": "b"} {
		var slice discoveryv1.EndpointSlice
		if err := n.Client.Get(t.Context(), client.ObjectKey{Namespace: n.name, Name: name}, &slice); err != nil {
			t.Fatal(err)
		}
		endpoint := slice.Endpoints[0]
		endpoint.Zone, endpoint.Hints = &zone, &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: zone}}}
		n.create(&discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: n.name, Name: "chat-" + zone, Labels: map[string]string{discoveryv1.LabelServiceName: "chat"}},
			AddressType: slice.AddressType, Endpoints: []discoveryv1.Endpoint{endpoint}, Ports: slice.Ports,
		})
	}
	n.create(n.ingress("web", "web.example.com", "chat"))
	byNode := n.start(Options{Node: n.node("a")})
	told := n.start(Options{Node: n.node("c"), Translate: translate.Options{Zone: "b"}})
	for _, r := range []*replica{byNode, told} {
		r.ready()
	}
	for range 10 {
		if got := byNode.get("web.example.com"); got != "200 here" {
			t.Fatalf("the replica of zone a gets %q", got)
		}
		if got := told.get("web.example.com"); got != "200 there" {
			t.Fatalf("the replica of zone b gets %q", got)
		}
	}
}

// A Service of type ExternalName leads where its name leads, and follows it.
func TestExternalNamesAreFollowed(t *testing.T) {
	n := newTenant(t, "external")
	n.service("outside")
	var slice discoveryv1.EndpointSlice
	if err := n.Client.Get(t.Context(), client.ObjectKey{Namespace: n.name, Name: "outside"}, &slice); err != nil {
		t.Fatal(err)
	}
	address, port := netip.MustParseAddr(slice.Endpoints[0].Addresses[0]), *slice.Ports[0].Port
	n.create(&corev1.Service{ObjectMeta: n.meta("chat"), Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeExternalName, ExternalName: "chat.example.org", Ports: []corev1.ServicePort{{Port: port}},
	}})
	web := n.ingress("web", "web.example.com", "chat")
	web.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port.Number = port
	n.create(web)
	var known atomic.Bool
	r := n.start(Options{Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
		if name != "chat.example.org." || !known.Load() {
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		}
		return []netip.Addr{address}, nil
	}})
	r.answers("web.example.com", "503")
	known.Store(true)
	r.answers("web.example.com", "200 outside")
	refusing := n.start(Options{Translate: translate.Options{NoExternalNames: true}, Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
		t.Errorf("somebody asks for %s", name)
		return nil, net.ErrClosed
	}})
	refusing.answers("web.example.com", "503")
}
