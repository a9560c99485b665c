package installed_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestWithoutHelm: kubectl apply -k config/default, as the README says.
func TestWithoutHelm(t *testing.T) {
	uninstalled(t) // its namespace and its names are the same
	began := time.Now()
	kubectl(t, "delete", "namespace", "fairlead-system", "--ignore-not-found")
	kubectl(t, "apply", "--kustomize", filepath.Join(checkout, "config", "default"))
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, "fairlead-system")
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if _, err := kube.Kubectl(ctx, "delete", "--kustomize", filepath.Join(checkout, "config", "default"), "--ignore-not-found"); err != nil {
			t.Error(err)
		}
	})
	rolledOut(t, "fairlead-system", "deployment/fairlead")
	told.say(t, "kubectl apply -k config/default until both replicas are available: %s", since(began))
	r := &release{name: "fairlead", namespace: "fairlead-system"}
	ns := namespace(t, "without-helm")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	apply(t, ns, "route.yaml")
	for _, url := range []string{"ws://" + host(ns) + "/socket", "ws://rooms." + host(ns) + "/socket"} {
		users(t, fleet.Options{URL: url, Address: net.JoinHostPort(r.balancer(t).String(), "80"), Clients: 4})
	}
}
