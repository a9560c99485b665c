package installed_test

import "testing"

// TestReplicasAreSpread: after a rolling update each node has a replica, in a cluster whose nodes have no zones too.
func TestReplicasAreSpread(t *testing.T) {
	r := installed(t)
	kubectl(t, "rollout", "restart", "--namespace", r.namespace, "deployment/"+r.name)
	rolledOut(t, r.namespace, "deployment/"+r.name)
	if list := r.replicas(t); len(list) != 2 || list[0].node == list[1].node {
		t.Errorf("the replicas are %+v, and not one on each node", list)
	}
}
