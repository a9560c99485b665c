package installed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestUpgradeOfFairlead: helm upgrade to another image while 500 users have open sockets through two replicas. Each gets Close 1001
// when its replica's turn has come, not all at once, and each gets a new socket at the first try.
func TestUpgradeOfFairlead(t *testing.T) {
	const clients, spread = 500, 15 // spread: of sharedValues, in seconds
	r := installed(t)
	r.spread(t)
	ns := namespace(t, "upgrade")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: clients})
	old := map[string]int{} // sockets of each replica
	for address, count := range byReplica(f.Places()) {
		old[address] = count
	}
	if len(old) != 2 {
		t.Fatalf("the sockets go through the replicas %v, want two", old)
	}

	next := nextVersion
	if strings.HasSuffix(field(t, r.namespace, "deployment/"+r.name, "{.spec.template.spec.containers[0].image}"), ":"+next) {
		next = "" // the story is told again: back to the chart's own
	}
	began := time.Now()
	helm(t, "upgrade", r.name, "charts/fairlead", "--namespace", r.namespace, "--reuse-values", "--set", "image.tag="+next, "--wait", "--timeout", "3m")
	told.say(t, "helm upgrade --wait under %d sockets: %s", clients, since(began))
	must(t, f.Until(within(t, time.Minute), func(places []fleet.Place) error {
		for _, p := range places {
			if !p.Open || old[p.Replica] > 0 {
				return errNotYet
			}
		}
		return nil
	}))
	report := settled(t, f, "helm upgrade of Fairlead", began)
	told.say(t, "the last of these sockets was closed and back after %s; %d closed in the busiest second", since(began), report.Busiest(time.Second))
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(e fleet.End) bool { return old[e.Replica] > 0 && e.How == fleet.Closed && e.Code == 1001 })
	backWithin(t, report, 2*time.Second)
	spreadOut(t, report, spread)
	for _, one := range r.replicas(t) {
		says := kubectl(t, "exec", "--namespace", r.namespace, one.name, "--", "/fairlead", "version")
		if next != "" && !strings.Contains(says, next) {
			t.Errorf("%s says it is %s", one.name, says)
		}
	}
}

// spreadOut checks that each replica closed its sockets over a window of so many seconds: none of them in a hurry, and to its end.
func spreadOut(t *testing.T, r fleet.Report, seconds int) {
	t.Helper()
	byReplica := map[string]*fleet.Report{}
	for _, end := range r.Ends {
		if byReplica[end.Replica] == nil {
			byReplica[end.Replica] = new(fleet.Report)
		}
		byReplica[end.Replica].Ends = append(byReplica[end.Replica].Ends, end)
	}
	for replica, of := range byReplica {
		count := len(of.Ends)
		t.Logf("replica %s closed %d sockets over %s, %d in the busiest second", replica, count, of.Span(), of.Busiest(time.Second))
		// Evenly it would be count/seconds in each second, and the whole window. Places in it are drawn as good as at random.
		if most := 3 * count / seconds; of.Busiest(time.Second) > most {
			t.Errorf("replica %s closed %d of its %d sockets within a second, want at most %d", replica, of.Busiest(time.Second), count, most)
		}
		if window := time.Duration(seconds) * time.Second; of.Span() < window*2/3 || of.Span() > window+2*time.Second {
			t.Errorf("replica %s closed its sockets over %s, want about %s", replica, of.Span(), window)
		}
	}
}
