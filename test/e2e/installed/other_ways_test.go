package installed_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestTwoReleases: a second release with a class of its own beside the first, on the ports 80 and 443 inside of the pod, which Pod
// Security "restricted" permits. Each serves the objects of its class and no others.
func TestTwoReleases(t *testing.T) {
	first := installed(t)
	ns := namespace(t, "inner")
	other := second(t, "inner", "ports.http=80", "ports.https=443")
	chat(t, ns)
	apply(t, ns, "ingress.yaml", "ingressClassName: fairlead", "ingressClassName: inner")
	apply(t, ns, "route.yaml")
	if got := field(t, ns, "deployment/inner", "{.spec.template.spec.containers[0].ports[?(@.name==\"http\")].containerPort}"); got != "80" {
		t.Errorf("the pods listen on %s", got)
	}
	options := fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: other.http(t), Clients: 4}
	users(t, options)
	options.URL, options.Address = "ws://rooms."+host(ns)+"/socket", first.http(t)
	users(t, options)
	options.Address = other.http(t)
	refused(t, options, "404 NoRoute")
	options.URL, options.Address = "ws://"+host(ns)+"/socket", first.http(t)
	refused(t, options, "404 NoRoute")
	if a, b := field(t, ns, "ingress/chat", "{.status.loadBalancer.ingress[*].ip}"), other.balancer(t).String(); a != b {
		t.Errorf("the Ingress of the second class has the address %s, want %s", a, b)
	}
}

// refused tries until a handshake is refused as is wanted, and only so.
func refused(t *testing.T, o fleet.Options, want string) {
	t.Helper()
	o.Clients = 1
	_, err := fleet.Start(within(t, time.Second), o)
	if err == nil || !strings.Contains(err.Error(), "refused: map["+want+":") {
		t.Errorf("%s at %s: %v, want %s", o.URL, o.Address, err, want)
	}
}

// TestADaemonSetWithHostPorts: one replica on each node, and clients come to the nodes themselves. Such pods need a namespace that is
// "privileged".
func TestADaemonSetWithHostPorts(t *testing.T) {
	makeNamespace(t, "edge", "privileged")
	t.Cleanup(func() { remove(t, "namespace", "edge") })
	second(t, "edge", "kind=DaemonSet", "hostPorts.enabled=true", "service.enabled=false")
	ns := namespace(t, "behind-edge")
	chat(t, ns)
	apply(t, ns, "ingress.yaml", "ingressClassName: fairlead", "ingressClassName: edge")
	for _, address := range kube.NodeAddresses() {
		users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: net.JoinHostPort(address.String(), "80"), Clients: 3})
	}
	eventually(t, 20*time.Second, "the Ingress tells the addresses of the nodes", func() error {
		list := strings.Fields(field(t, ns, "ingress/chat", "{.status.loadBalancer.ingress[*].ip}"))
		return wanted(len(list), len(kube.NodeAddresses()))
	})
}

// TestRightsInNamespacesOnly: a release that serves one namespace has Roles and no ClusterRole, and that is enough.
func TestRightsInNamespacesOnly(t *testing.T) {
	ns := namespace(t, "tenant")
	elsewhere := namespace(t, "elsewhere")
	r := second(t, "tenant", "watch.namespaces={tenant}", "rbac.readClusterObjects=false", "ingressClass.create=false")
	for _, kind := range []string{"clusterroles", "clusterrolebindings", "ingressclasses"} {
		if got := kubectl(t, "get", kind, "--selector", "app.kubernetes.io/instance=tenant", "--output", "name"); got != "" {
			t.Errorf("the release has %s", got)
		}
	}
	chat(t, ns)
	apply(t, ns, "ingress.yaml", "ingressClassName: fairlead", "ingressClassName: tenant")
	apply(t, elsewhere, "ingress.yaml", "ingressClassName: fairlead", "ingressClassName: tenant")
	options := fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 4}
	users(t, options)
	options.URL = "ws://" + host(elsewhere) + "/socket"
	refused(t, options, "404 NoRoute")
}

// TestClientsAddressesThroughALoadBalancer: the load balancer says by the PROXY protocol who the client is, and the application hears it.
func TestClientsAddressesThroughALoadBalancer(t *testing.T) {
	ns := namespace(t, "proxied")
	r := second(t, "proxied", "proxyProtocol={10.250.0.0/16}", `service.annotations.test\.fairlead\.dev/proxy-protocol=true`)
	chat(t, ns)
	apply(t, ns, "ingress.yaml", "ingressClassName: fairlead", "ingressClassName: proxied")
	const client = "127.0.0.77"
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 4, From: client})
	for _, p := range f.Places() {
		if p.Seen != client {
			t.Errorf("the application was told that the client is %q, want %s", p.Seen, client)
		}
	}
}
