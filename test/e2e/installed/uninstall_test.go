package installed_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestUninstall: what helm install brought goes with helm uninstall, but for the CRD. The objects of users stay, and no longer tell
// addresses at which nobody serves.
func TestUninstall(t *testing.T) {
	uninstalled(t)
	kubectl(t, "delete", "crd", "websocketroutes.fairlead.dev", "--ignore-not-found")
	ns := namespace(t, "left-behind")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	home(t)
	before := objects(t)

	r := installed(t)
	apply(t, ns, "route.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 20})
	address := r.balancer(t).String()
	for object, path := range addressed {
		eventually(t, 20*time.Second, object+" tells its address", func() error { return wanted(field(t, ns, object, path), address) })
	}

	began := time.Now()
	helm(t, "uninstall", r.name, "--namespace", r.namespace, "--wait")
	shared = nil
	told.say(t, "helm uninstall --wait under 20 sockets: %s", since(began))
	eventually(t, time.Minute, "nobody is there any more", func() error {
		return wanted(len(names(t, r.namespace, "pods")), 0)
	})
	report := f.Report("helm uninstall", began)
	told.report(t, report)
	onlyEnds(t, report, began, func(e fleet.End) bool { return e.How == fleet.Closed && e.Code == 1001 })
	for object, path := range addressed {
		if got := field(t, ns, object, path); got != "" {
			t.Errorf("%s still tells the address %s", object, got)
		}
	}
	want := []string{
		"APIService/v1alpha1.fairlead.dev", // which the API server makes for the CRD
		"CustomResourceDefinition/websocketroutes.fairlead.dev",
		"WebSocketRoute/chat in left-behind",
	}
	eventually(t, 20*time.Second, "only the CRD is left", func() error {
		left := slices.DeleteFunc(objects(t), func(object string) bool { return slices.Contains(before, object) })
		return wanted(strings.Join(left, "\n"), strings.Join(want, "\n"))
	})
}

// addressed are the objects that tell addresses, and where.
var addressed = map[string]string{
	"ingress/chat": "{.status.loadBalancer.ingress[*].ip}",
	"wsr/chat":     "{.status.addresses[*].value}",
}

// passing are kinds whose objects come and go by themselves.
var passing = []string{"events", "events.events.k8s.io", "componentstatuses"}

// objects lists everything in the cluster that the API server can list, but for what comes and goes by itself.
func objects(t *testing.T) []string {
	t.Helper()
	kinds := slices.DeleteFunc(strings.Fields(kubectl(t, "api-resources", "--verbs=list", "--output=name")), func(kind string) bool {
		return slices.Contains(passing, kind)
	})
	const path = `{range .items[*]}{.kind}/{.metadata.name} in {.metadata.namespace}{"\n"}{end}`
	var all []string
	for line := range strings.Lines(kubectl(t, "get", strings.Join(kinds, ","), "--all-namespaces", "--output", "jsonpath="+path)) {
		all = append(all, strings.TrimSuffix(strings.TrimSpace(line), " in"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
