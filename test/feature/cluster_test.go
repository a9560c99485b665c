package feature

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/chat"
)

// in puts a manifest, which has no namespace yet, into one.
func in(namespace, manifests string) string {
	return strings.ReplaceAll(manifests, "metadata: {name: ", "metadata: {namespace: "+namespace+", name: ")
}

// grant lets objects of one kind refer to another kind.
func grant(version, fromGroup, fromKind, toKind string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/%s
kind: ReferenceGrant
metadata: {namespace: other, name: grant}
spec:
  from: [{group: %s, kind: %s, namespace: default}]
  to: [{group: "", kind: %s}]`, version, fromGroup, fromKind, toKind)
}

func TestBackendsOfOtherNamespacesNeedAGrant(t *testing.T) {
	story(t, func(w *world) {
		route := webSocketRoute("chat", "  rules: [{backends: [{name: chat, namespace: other, port: 80}]}]\n")
		other := in("other", w.service("chat", "a"))
		w.apply("chat", other, route, grant("v1", "networking.k8s.io", "Ingress", "Service")) // for others
		w.wantRefused(503, "NoEndpoint", echo)
		w.toldThat("RefNotPermitted", "WebSocketRoute default/chat", "ReferenceGrant")
		for _, version := range []string{"v1beta1", "v1"} {
			w.apply("chat", other, route, grant(version, "fairlead.dev", "WebSocketRoute", "Service"))
			w.open(echo)
			w.apply("chat", other, route, grant(version, "fairlead.dev", "WebSocketRoute", "Secret")) // that is another matter
			w.wantRefused(503, "NoEndpoint", echo)
		}
	})
}

func TestSecretsOfOtherNamespacesNeedAGrant(t *testing.T) {
	story(t, func(w *world) {
		service, users := w.service("chat", "a"), in("other", secretOf("users", "auth", sha("ann", "secret")))
		asking := ingressFor(object{}, "auth-type: basic", "auth-secret: other/users")
		w.apply("chat", service, users, asking)
		w.wantRefused(503, "Sealed", echo, knowing("ann", "secret"))
		w.toldThat("RefNotPermitted", "Ingress default/chat", "auth-secret", "ReferenceGrant")
		w.apply("chat", service, users, asking, grant("v1", "networking.k8s.io", "Ingress", "Secret"))
		w.open(echo, knowing("ann", "secret"))
	})
}

func TestEndpointsOfOneZoneAreTakenThere(t *testing.T) {
	hinted := func(w *world, pod, hints, conditions string) string {
		return endpointSlice("chat", pod, w.pod(pod).Address(), fmt.Sprintf("hints: %s, conditions: %s", hints, conditions))
	}
	const east, west, both = "{forZones: [{name: east}]}", "{forZones: [{name: west}]}", "{forZones: [{name: east}, {name: west}]}"
	story(t, func(w *world) {
		chat := ingressFor(object{}) + separator + serviceOf("chat", "")
		w.apply("chat", chat, hinted(w, "e1", east, "{}"), hinted(w, "e2", both, "{}"), hinted(w, "w1", west, "{}"))
		if got := w.tally(10, echo); got["w1"] != 0 || got["e1"] == 0 || got["e2"] == 0 {
			w.t.Errorf("from the east sockets went to %v", got)
		}
		// A zone without an endpoint that is ready does with the others.
		w.apply("chat", chat, hinted(w, "e1", east, "{ready: false}"), hinted(w, "e2", west, "{}"), hinted(w, "w1", west, "{}"))
		if got := w.tally(10, echo); got["w1"] == 0 || got["e2"] == 0 {
			w.t.Errorf("with nobody in the east sockets went to %v", got)
		}
		// Hints that some lack count for nothing.
		w.apply("chat", chat, hinted(w, "e1", east, "{}"), hinted(w, "e2", "{}", "{}"), hinted(w, "w1", west, "{}"))
		if got := w.tally(9, echo); len(got) != 3 {
			w.t.Errorf("with a hint missing sockets went to %v", got)
		}
		// A node counts more than a zone.
		w.apply("chat", chat, hinted(w, "e1", "{forZones: [{name: east}], forNodes: [{name: node-2}]}", "{}"), hinted(w, "w1", "{forZones: [{name: west}], forNodes: [{name: node-1}]}", "{}"))
		w.wantAll("w1", echo)
	}, func(s *settings) { s.controller.Translate.Zone, s.controller.Node = "east", "node-1" })
}

func TestHintsCountForNothingWhereTheZoneIsNotKnown(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", ingressFor(object{}), serviceOf("chat", ""), endpointSlice("chat", "a", w.pod("a").Address(), "hints: {forZones: [{name: a}]}"),
			endpointSlice("chat", "b", w.pod("b").Address(), "hints: {forZones: [{name: b}]}"))
		if got := w.tally(6, echo); len(got) != 2 {
			w.t.Errorf("sockets went to %v", got)
		}
	})
}

func TestReadinessIsOverlookedWhereTheServiceSaysSo(t *testing.T) {
	story(t, func(w *world) {
		slices := strings.TrimPrefix(w.service("chat", "-a", "!b"), serviceOf("chat", "")+separator)
		w.apply("chat", ingressFor(object{}), serviceOf("chat", "ports: [{name: ws, port: 80}]"), slices)
		w.wantAll("b", echo) // it goes, and nobody else is ready
		w.apply("chat", ingressFor(object{}), serviceOf("chat", "publishNotReadyAddresses: true, ports: [{name: ws, port: 80}]"), slices)
		w.wantAll("a", echo)
	})
}

func TestServicesWithoutAddressOrSelectorAreServed(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", ingressFor(object{}), serviceOf("chat", `clusterIP: None, ports: [{name: ws, port: 80}]`), endpointSlice("chat", "by-hand", w.pod("a").Address(), ""))
		w.wantAll("a", echo)
	})
}

// ownAddress is an address of this machine that is not the loopback, which no name may lead to.
func ownAddress(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if network, ok := one.(*net.IPNet); ok {
			if a, _ := netip.AddrFromSlice(network.IP); a.Unmap().Is4() && !a.Unmap().IsLoopback() && !a.Unmap().IsLinkLocalUnicast() {
				return a.Unmap()
			}
		}
	}
	t.Skip("this machine has the loopback alone")
	return netip.Addr{}
}

func TestNamesOfServicesAreResolved(t *testing.T) {
	name := serviceOf("chat", "type: ExternalName, externalName: Chat.Example.Net.")
	atPort := func(port int, annotations ...string) string {
		return strings.Replace(ingressFor(object{}, annotations...), "port: {name: ws}", fmt.Sprint("port: {number: ", port, "}"), 1)
	}
	story(t, func(w *world) {
		pod, err := chat.Listen(netip.AddrPortFrom(ownAddress(w.t), 0).String(), chat.Options{Pod: "far away"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(pod.Close)
		w.apply("chat", name, atPort(pod.Address().Port))
		w.wantRefused(503, "NoEndpoint", echo)
		w.toldThat("BackendNotFound", "chat.example.net", "no answer today")
		w.until("the name is asked for again", func() bool { return w.opens(echo) })
		w.wantAll("far away", echo)

		w.apply("chat", strings.Replace(name, "Chat.Example.Net.", "inside.example.net", 1), atPort(80))
		w.wantRefused(503, "NoEndpoint", echo)
		w.toldThat("UnsupportedValue", "inside.example.net", "127.0.0.1 (loopback)")
	}, func(s *settings) {
		fails := true
		s.controller.Lookup = func(_ context.Context, name string) ([]netip.Addr, error) {
			switch {
			case name == "inside.example.net.":
				return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("169.254.169.254")}, nil
			case name != "chat.example.net.":
				return nil, errors.New("asked for " + name)
			case fails:
				fails = false
				return nil, errors.New("no answer today")
			}
			return []netip.Addr{ownAddress(t)}, nil
		}
	})
}

func TestNamesOfServicesCanBeRefused(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", serviceOf("chat", "type: ExternalName, externalName: chat.example.net, ports: [{name: ws, port: 80}]"), ingressFor(object{}))
		w.wantRefused(503, "NoEndpoint", echo)
		w.toldThat("UnsupportedValue", "ExternalName")
	}, func(s *settings) {
		s.controller.Translate.NoExternalNames = true
		s.controller.Lookup = func(context.Context, string) ([]netip.Addr, error) {
			t.Error("the name was looked up all the same")
			return nil, nil
		}
	})
}
