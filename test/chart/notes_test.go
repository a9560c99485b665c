package chart_test

import (
	"strings"
	"testing"
)

// TestNotesTellWhatToMind: what helm prints after an installation follows from the values.
func TestNotesTellWhatToMind(t *testing.T) {
	for values, want := range map[string]string{
		"":                             "helm test fairlead --namespace fairlead-system",
		"image.tag=v1":                 "nodes must have fairlead:v1 already",
		"tests.enabled=false":          "`helm test` has nothing to run here: tests.enabled is false",
		"proxyProtocol={192.0.2.0/24}": "--connect-to ADDRESS:PORT",
		"replicas=1":                   "every socket goes",
		"replicas=2,podDisruptionBudget.minAvailable=2":              "lets no node with a replica be drained",
		"service.externalTrafficPolicy=Cluster":                      "hides clients' addresses",
		"kind=DaemonSet,hostNetwork=true,ports.admin=9999":           "Port 9999 of nodes has metrics, routes and sessions without a password",
		"kind=DaemonSet,hostPorts.enabled=true":                      "the namespace must allow \"privileged\"",
		"rbac.create=false":                                          "needs the rights that are in config/rbac",
		"crds.install=false":                                         "until somebody has installed websocketroutes.fairlead.dev",
		"networkPolicy.enabled=true,metrics.podMonitor.enabled=true": "Prometheus can't reach the metrics",
		"watch.namespaces={team-a},service.type=ClusterIP":           "kubectl --namespace team-a create ingress echo --class=fairlead",
		"watch.labelSelector=tier=web,ports.http=0":                  "label ingress echo tier=web",
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			told := helm(t, "install", "fairlead", chart, "--namespace", home, "--dry-run=client", "--set", values)
			_, notes, _ := strings.Cut(told, "\nNOTES:\n")
			if !strings.Contains(notes, want) {
				t.Errorf("they don't say %q:\n%s", want, notes)
			}
		})
	}
}
