package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// TestOwnersWriteTheSpecAndFairleadTheStatus: each write leaves the other's part alone, and only a
// new spec makes a new generation.
func TestOwnersWriteTheSpecAndFairleadTheStatus(t *testing.T) {
	route := &v1alpha1.WebSocketRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "status"},
		Spec:       completeSpec(),
		Status:     served(1), // an owner who writes it at creation is not believed either
	}
	create(t, route)
	if len(route.Status.Conditions) != 0 {
		t.Error("the owner wrote a status")
	}

	written := route.DeepCopy()
	written.Status = served(route.Generation)
	written.Spec.Hosts = []v1alpha1.Hostname{"other.example.com"}
	if err := api.Status().Update(deadline(t), written); err != nil {
		t.Fatal(err)
	}
	var read v1alpha1.WebSocketRoute
	if err := api.Get(deadline(t), client.ObjectKeyFromObject(route), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(route.Spec, read.Spec); diff != "" {
		t.Errorf("a status update changed the spec:\n%s", diff)
	}
	if diff := cmp.Diff(written.Status, read.Status); diff != "" {
		t.Errorf("status written (-) and read (+) differ:\n%s", diff)
	}
	if read.Generation != 1 {
		t.Errorf("a status update made generation %d", read.Generation)
	}

	read.Spec.Policy = nil
	read.Spec.Rules[0].Policy = nil
	if err := api.Update(deadline(t), &read); err != nil {
		t.Fatal(err)
	}
	if read.Generation != 2 || len(read.Status.Conditions) != 3 {
		t.Errorf("after a change of spec: generation %d, %d conditions; want 2 and 3", read.Generation, len(read.Status.Conditions))
	}
}

// TestOneConditionPerType: conditions are a map by type, so that two writers can't add one twice.
func TestOneConditionPerType(t *testing.T) {
	route := &v1alpha1.WebSocketRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "conditions"},
		Spec:       completeSpec(),
	}
	create(t, route)
	route.Status = served(1)
	route.Status.Conditions = append(route.Status.Conditions, route.Status.Conditions[0])
	err := api.Status().Update(deadline(t), route)
	if err == nil || !strings.Contains(err.Error(), "status.conditions[3]: Duplicate value") {
		t.Errorf("a condition type twice: %v", err)
	}
}
