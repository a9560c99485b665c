package installed_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestBothNodesAreDrained: kubectl drain of one node after the other, as when nodes are replaced. The disruption budget lets one
// replica go at a time; every socket ends with a Close frame, and no handshake is refused.
func TestBothNodesAreDrained(t *testing.T) {
	r := installed(t)
	r.spread(t)
	ns := namespace(t, "drain")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 60})
	fewest := watchReady(t, r)

	began := time.Now()
	for node := range kube.NodeAddresses() {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := kube.Kubectl(ctx, "uncordon", node); err != nil {
				t.Error(err)
			}
		})
	}
	for node := range kube.NodeAddresses() {
		kubectl(t, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=2m")
		kubectl(t, "uncordon", node)
		rolledOut(t, r.namespace, "deployment/"+r.name)
		rolledOut(t, ns, "deployment/chat")
	}
	told.say(t, "kubectl drain of both nodes, one after the other: %s", since(began))
	report := settled(t, f, "kubectl drain of both nodes", began)
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(e fleet.End) bool { return e.How == fleet.Closed && e.Code == 1001 })
	backWithin(t, report, 3*time.Second)
	if n := fewest(); n < 1 {
		t.Errorf("at one time %d replicas were ready", n)
	}
}

// watchReady looks twice a second how many replicas are ready. The func that it returns ends that, and returns the fewest.
func watchReady(t *testing.T, r *release) (fewest func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	least := 2
	var looking sync.WaitGroup
	looking.Go(func() {
		for ctx.Err() == nil {
			out, err := kube.Kubectl(ctx, "get", "deployment", r.name, "--namespace", r.namespace, "--output", "jsonpath={.status.readyReplicas}")
			if err == nil {
				ready := 0 // what the API leaves out
				if out != "" {
					if ready, err = strconv.Atoi(out); err != nil {
						t.Error(fmt.Errorf("ready replicas: %w", err))
					}
				}
				least = min(least, ready)
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	end := func() int {
		stop()
		looking.Wait()
		return least
	}
	t.Cleanup(func() { end() })
	return end
}
