package installed_test

import (
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestAChatPodIsKilled: kill -9. Fairlead tells those who were there, by Close 1011 instead of a cut, and nobody else notices.
func TestAChatPodIsKilled(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "killed")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 60})
	victim := podsOf(t, ns, "app=chat")[0].name
	lost := byPod(f.Places())[victim]

	began := time.Now()
	must(t, kube.KillPod(within(t, 10*time.Second), ns, victim, "chat"))
	must(t, f.Until(within(t, 30*time.Second), func([]fleet.Place) error {
		return wanted(len(f.Report("", began).Ends), lost)
	}))
	report := settled(t, f, "kill -9 of a chat pod", began)
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(e fleet.End) bool { return e.Pod == victim && e.How == fleet.Closed && e.Code == 1011 })
	backWithin(t, report, 2*time.Second)
	rolledOut(t, ns, "deployment/chat")
}

// TestAReplicaIsKilled: kill -9 of Fairlead itself cuts the sockets that went through it, for there is nobody left to say goodbye.
// Their users are back through the other replica; whose sockets went through that don't notice.
func TestAReplicaIsKilled(t *testing.T) {
	r := installed(t)
	replicas := r.spread(t)
	ns := namespace(t, "replica-killed")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 60})
	victim := replicas[0]
	lost := byReplica(f.Places())[victim.address]
	if lost == 0 {
		t.Fatalf("no socket goes through %+v: %v", victim, byReplica(f.Places()))
	}

	began := time.Now()
	must(t, kube.KillPod(within(t, 10*time.Second), r.namespace, victim.name, "fairlead"))
	must(t, f.Until(within(t, 30*time.Second), func([]fleet.Place) error {
		if ends := len(f.Report("", began).Ends); ends < lost {
			return wanted(ends, lost)
		}
		return nil
	}))
	report := settled(t, f, "kill -9 of a Fairlead replica", began)
	onlyEnds(t, report, began, func(e fleet.End) bool {
		return e.Replica == victim.address && (e.How == fleet.Reset || e.How == fleet.Cut)
	})
	// Until the load balancer has noticed, handshakes may end at the node where nobody listens.
	backWithin(t, report, 8*time.Second)
	rolledOut(t, r.namespace, "deployment/"+r.name)
}
