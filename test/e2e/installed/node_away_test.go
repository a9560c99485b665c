package installed_test

import (
	"context"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestANodeGoesAway: a power cut. Nothing on the node says goodbye: sockets through its replica, and to its pods, fall silent. Their
// users notice, and are served by what is left, long before Kubernetes knows. Whose sockets were elsewhere don't notice. On a route with
// keepalive, Fairlead tells users whose pod is in the dark before they notice by themselves.
func TestANodeGoesAway(t *testing.T) {
	r := installed(t)
	replicas := r.spread(t)
	ns := namespace(t, "node-away")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	apply(t, ns, "route.yaml", "  policy:\n", "  policy:\n    keepalive: {interval: 1s, timeout: 1s}\n")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 60})
	asked := users(t, fleet.Options{URL: "ws://rooms." + host(ns) + "/socket", Address: r.http(t), Clients: 60, Header: named})
	dark := replicas[1].node
	inTheDark := map[string]bool{replicas[1].address: true} // addresses of replicas, and names of pods
	for _, pod := range podsOf(t, ns, "app=chat") {
		if pod.node == dark {
			inTheDark[pod.name] = true
		}
	}
	if len(inTheDark) < 2 {
		t.Fatalf("no chat pod is on %s", dark)
	}

	began := time.Now()
	t.Cleanup(func() { powerOn(t, dark, r, ns) })
	must(t, kube.StopNode(within(t, 10*time.Second), dark))
	lit := func(places []fleet.Place) error {
		for _, p := range places {
			if !p.Open || inTheDark[p.Replica] || inTheDark[p.Pod] {
				return errNotYet
			}
		}
		return nil
	}
	must(t, f.Until(within(t, 90*time.Second), lit))
	must(t, asked.Until(within(t, 90*time.Second), lit))
	for _, report := range []fleet.Report{
		settled(t, f, "a node loses its power", began),
		settled(t, asked, "a node loses its power, keepalive", began),
	} {
		onlyEnds(t, report, began, func(e fleet.End) bool { return inTheDark[e.Replica] || inTheDark[e.Pod] })
		// Three seconds until the silence is noticed, five until Fairlead knows that an endpoint does not answer, and as many again for
		// somebody who was led to two such endpoints at that moment.
		backWithin(t, report, 15*time.Second)
	}
	for _, end := range asked.Report("", began).Ends {
		if told := end.How == fleet.Closed && end.Code == 1011; told == inTheDark[end.Replica] {
			t.Errorf("a socket through %s to %s ended by %s %d %s", end.Replica, end.Pod, end.How, end.Code, end.Text)
		}
	}
}

// powerOn brings the node back and waits until everything on it serves again.
func powerOn(t *testing.T, node string, r *release, ns string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := kube.StartNode(ctx, node); err != nil {
		t.Errorf("bring %s back: %v", node, err)
		return
	}
	for _, args := range [][]string{
		{"wait", "--for=condition=Ready", "node/" + node, "--timeout=90s"},
		{"rollout", "status", "--namespace", r.namespace, "deployment/" + r.name, "--timeout=90s"},
		{"rollout", "status", "--namespace", ns, "deployment/chat", "--timeout=90s"},
	} {
		if _, err := kube.Kubectl(ctx, args...); err != nil {
			t.Error(err)
		}
	}
}
