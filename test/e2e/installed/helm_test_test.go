package installed_test

import (
	"strings"
	"testing"
)

// TestHelmTestFindsItsWay: whatever leads to the replicas, `helm test` opens its sockets, and leaves nothing behind.
func TestHelmTestFindsItsWay(t *testing.T) {
	makeNamespace(t, "tried", "privileged") // for a port of the node
	t.Cleanup(func() { remove(t, "namespace", "tried") })
	served := namespace(t, "served-elsewhere")
	for name, values := range map[string][]string{
		"no Service, labelled objects only":  {"service.enabled=false", `watch.labelSelector=tier=web\,!internal`},
		"a headless Service, HTTP only":      {"service.type=ClusterIP", "service.clusterIP=None", "ports.http=80", "ports.https=0"},
		"HTTPS only, on a port of its own":   {"service.ports.http=0", "service.ports.https=8443", "service.internalTrafficPolicy=Local", "tls.minVersion=1.3"},
		"the network of the node":            {"kind=DaemonSet", "hostNetwork=true", "ports.http=18080", "ports.https=18443", "ports.admin=19090", "service.enabled=false"},
		"another namespace than the own one": {"watch.namespaces={" + served + "}", "networkPolicy.enabled=true", "networkPolicy.clientsFrom[0].ipBlock.cidr=192.0.2.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			r := second(t, "tried", values...)
			if out := helm(t, "test", r.name, "--namespace", r.namespace); !strings.Contains(out, "Succeeded") {
				t.Errorf("helm test says\n%s", out)
			}
			for _, ns := range []string{r.namespace, served} {
				left := kubectl(t, "get", "pods,services,ingresses", "--namespace", ns, "--selector", "app.kubernetes.io/component=test", "--output", "name")
				if left != "" {
					t.Errorf("left in %s: %s", ns, left)
				}
			}
		})
	}
}
