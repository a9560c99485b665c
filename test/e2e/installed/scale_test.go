package installed_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestScale: pods that come cost nobody its socket and get the users that come next; pods that go say goodbye to theirs, who are back
// at once, and nobody else notices.
func TestScale(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "scale")
	chat(t, ns)
	apply(t, ns, "ingress.yaml") // balances by fewest sessions
	options := fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 60}
	f := users(t, options)

	began := time.Now()
	old := names(t, ns, "pods", "--selector", "app=chat")
	kubectl(t, "scale", "--namespace", ns, "deployment/chat", "--replicas=5")
	rolledOut(t, ns, "deployment/chat")
	options.Clients = 20
	var late map[string]int
	eventually(t, 20*time.Second, "new users are at the new pods", func() error {
		more := users(t, options)
		late = byPod(more.Places())
		for pod := range late {
			if !slices.Contains(old, pod) {
				return nil
			}
		}
		return errNotYet // the new endpoints are on their way to the replicas
	})
	for pod, count := range late {
		// 60 users are at the three old pods, about 20 at each; so the 20 new ones belong to the two that are empty.
		if slices.Contains(old, pod) && count > 4 {
			t.Errorf("%d of 20 new users are at the old pod %s: %v", count, pod, late)
		}
	}
	report := settled(t, f, "kubectl scale from 3 to 5", began)
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(fleet.End) bool { return false })

	must(t, f.Rejoin(within(t, 20*time.Second))) // so that all five have users
	began = time.Now()
	before := byPod(f.Places())
	kubectl(t, "scale", "--namespace", ns, "deployment/chat", "--replicas=3")
	var left []string
	eventually(t, time.Minute, "two pods are gone", func() error {
		left = names(t, ns, "pods", "--selector", "app=chat")
		return wanted(len(left), 3)
	})
	report = settled(t, f, "kubectl scale from 5 to 3", began)
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(e fleet.End) bool {
		return !slices.Contains(left, e.Pod) && e.How == fleet.Closed && e.Code == 1001
	})
	backWithin(t, report, 2*time.Second)
	gone := 0
	for pod, count := range before {
		if !slices.Contains(left, pod) {
			gone += count
		}
	}
	if gone == 0 || len(report.Ends) != gone {
		t.Errorf("%d sockets ended; the pods that went had %d", len(report.Ends), gone)
	}
}
