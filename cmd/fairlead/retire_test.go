package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// held is a Deployment that stays until a finalizer is taken away, as one does that is deleted in the foreground.
func held() *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "fairlead", Finalizers: []string{metav1.FinalizerDeleteDependents}}}
}

func TestRetireWaitsForTheLastReplica(t *testing.T) {
	c := fake.NewClientBuilder().WithObjects(held()).Build()
	workload, err := workloadOf("deployment/fairlead", "prod")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- retire(t.Context(), c, workload, &out) }()
	key := client.ObjectKey{Namespace: "prod", Name: "fairlead"}
	var there appsv1.Deployment
	for deadline := time.Now().Add(10 * time.Second); there.DeletionTimestamp == nil; time.Sleep(time.Millisecond) {
		if err := c.Get(t.Context(), key, &there); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the Deployment is not deleted")
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("a replica is there, and retire has ended: %v", err)
	default:
	}
	there.Finalizers = nil
	if err := c.Update(t.Context(), &there); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || !strings.Contains(out.String(), "all replicas of prod/fairlead have ended") {
		t.Errorf("%v, %s", err, out.String())
	}
}

func TestRetireGivesUpInTime(t *testing.T) {
	c := fake.NewClientBuilder().WithObjects(held()).Build()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	err := retire(ctx, c, held(), &out)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "prod/fairlead") {
		t.Errorf("got %v", err)
	}
}

// Jobs of hooks are run at once where kubectl applies a rendered chart. That must not take away what was just installed.
func TestRetireLeavesAloneWhatNobodyUninstalls(t *testing.T) {
	for name, test := range map[string]struct {
		annotations map[string]string
		ours        bool
	}{
		"kubectl":                       {nil, false},
		"helm":                          {map[string]string{releaseName: "edge", releaseNamespace: "prod"}, true},
		"helm, another release":         {map[string]string{releaseName: "other", releaseNamespace: "prod"}, false},
		"helm, its namespace elsewhere": {map[string]string{releaseName: "edge", releaseNamespace: "test"}, false},
		"Argo CD":                       {map[string]string{argoTracks: "edge:apps/Deployment:prod/fairlead"}, true},
	} {
		workload := held()
		workload.Annotations = test.annotations
		var out bytes.Buffer
		ours, err := belongs(t.Context(), fake.NewClientBuilder().WithObjects(workload).Build(), held(), "edge", &out)
		if err != nil || ours != test.ours || ours == strings.Contains(out.String(), "--no-hooks") {
			t.Errorf("%s: %t, %v, %s", name, ours, err, out.String())
		}
	}
	if ours, err := belongs(t.Context(), fake.NewClientBuilder().Build(), held(), "edge", io.Discard); err != nil || ours {
		t.Errorf("what is not there: %t, %v", ours, err)
	}
}

func TestRetireOfWhatIsNotThere(t *testing.T) {
	var out bytes.Buffer
	if err := retire(t.Context(), fake.NewClientBuilder().Build(), held(), &out); err != nil || !strings.Contains(out.String(), "prod/fairlead is not there") {
		t.Errorf("%v, %s", err, out.String())
	}
}

func TestWhatCanRetire(t *testing.T) {
	if o, err := workloadOf("daemonset/edge", "prod"); err != nil || o.GetName() != "edge" {
		t.Errorf("%v, %v", o, err)
	} else if _, ok := o.(*appsv1.DaemonSet); !ok {
		t.Errorf("%T", o)
	}
	for _, wrong := range []string{"fairlead", "deployment/", "pod/fairlead", ""} {
		if _, err := workloadOf(wrong, "prod"); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
