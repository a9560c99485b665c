package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	latencyRuns = 20
	// latencyLimit is for the median, on a busy machine with the race detector on. It is a tenth of that elsewhere.
	latencyLimit = 2 * time.Second
	// Longer than --publish-interval, so that no change waits for an earlier one.
	latencyPause = 150 * time.Millisecond
)

const bareManifests = `
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: %[1]s}
spec: {ports: [{name: ws, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: chat-1, namespace: %[1]s, labels: {kubernetes.io/service-name: chat}}
addressType: IPv4
ports: [{name: ws, port: 8080}]
endpoints: [{addresses: [192.0.2.7]}]
`

// TestAChangeIsPublishedAtOnce measures the time from the request to the API server to the published table.
func TestAChangeIsPublishedAtOnce(t *testing.T) {
	ns := namespace(t)
	apply(t, bareManifests, ns)
	apply(t, ingressManifest, ns)
	f := startFairlead(t)
	id := ingressRoute(ns)
	f.published(t, id, func(r *route) error { return wanted(r.ready(), 1) })

	report(t, "an annotation", func(run int) time.Duration {
		begin, idle := time.Now(), time.Duration(run)*time.Minute
		annotate(t, ingress(ns, "web"), "fairlead.dev/idle-timeout", idle.String())
		return f.since(t, begin, id, func(r *route) bool { return r.Timeouts.Idle == idle.String() })
	})
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "chat-1"}}
	report(t, "an EndpointSlice", func(run int) time.Duration {
		begin, address := time.Now(), fmt.Sprintf("198.51.100.%d", run)
		merge(t, slice, fmt.Sprintf(`{"endpoints":[{"addresses":[%q]}]}`, address))
		return f.since(t, begin, id, func(r *route) bool { return r.serves(address + ":8080") })
	})
}

// report makes a change some times, and logs how long it takes.
func report(t *testing.T, what string, change func(run int) time.Duration) {
	t.Helper()
	var took []time.Duration
	for run := 1; run <= latencyRuns; run++ {
		time.Sleep(latencyPause)
		took = append(took, change(run))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("from a change of %s to the published table: median %s, longest %s of %d", what,
		median.Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond), len(took))
	if median > latencyLimit {
		t.Errorf("a change of %s takes %s, want less than %s", what, median, latencyLimit)
	}
}

// since asks for the table until a route is as wanted, and returns how long that is after begin.
func (f *fairlead) since(t *testing.T, begin time.Time, id string, wanted func(*route) bool) time.Duration {
	t.Helper()
	for time.Since(begin) < 20*time.Second {
		table, err := f.routes()
		must(t, err)
		if r := table[id]; r != nil && wanted(r) {
			return time.Since(begin)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("route %s does not change", id)
	return 0
}

// serves tells whether new sessions may go to that address.
func (r *route) serves(address string) bool {
	for _, backend := range r.Backends {
		for _, endpoint := range backend.Endpoints {
			if endpoint.Address == address && endpoint.State == "Ready" {
				return true
			}
		}
	}
	return false
}
