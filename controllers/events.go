package controllers

import (
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/translate"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

const (
	// reporter is the reportingController of our Events.
	reporter = "fairlead.dev/ingress-controller"
	// maxEvents bounds the Events about one change of one object; the last of them says how many
	// problems there are besides.
	maxEvents = 10
	// maxNote is the length that events.k8s.io/v1 allows for a note.
	maxNote = 1024

	actionTranslate = "Translate" // what was done when a problem was found
	actionPublish   = "Publish"
)

// teller tells owners by Events, each thing once: Events are for changes, conditions for states.
type teller struct {
	recorder events.EventRecorder

	mu   sync.Mutex
	told map[objectKey]told
}

// told is what was last told about an object.
type told struct {
	uid      types.UID
	problems []translate.Problem
	served   bool
}

// history is what an object's status shows of the time before this replica led.
type history struct{ toldProblems, toldServed bool }

func newTeller(r events.EventRecorder) *teller {
	return &teller{recorder: r, told: map[objectKey]told{}}
}

// forget drops what was told about an object: it is gone, or another replica tells.
func (t *teller) forget(key objectKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.told, key)
}

// tell sends Events about what has changed since it was last told: each problem of a set that is not
// the same as before, and once that the object is served.
func (t *teller) tell(o client.Object, key objectKey, r translate.ObjectReport, h history) {
	now := told{uid: r.Object.UID, problems: r.Problems, served: r.Routes > 0}
	t.mu.Lock()
	before, known := t.told[key]
	t.told[key] = now
	t.mu.Unlock()
	if known = known && before.uid == now.uid; !known {
		before = told{served: h.toldServed}
		if h.toldProblems {
			before.problems = now.problems
		}
	}
	if !slices.Equal(before.problems, now.problems) {
		t.problems(o, now.problems)
	}
	if now.served && !before.served {
		t.recorder.Eventf(reference(o, ""), nil, corev1.EventTypeNormal, string(v1alpha1.ReasonProgrammed), actionPublish,
			"published as %s", count(r.Routes, "route"))
	}
}

func (t *teller) problems(o client.Object, problems []translate.Problem) {
	for i, p := range problems {
		note := describe([]translate.Problem{p})
		if rest := len(problems) - maxEvents; i == maxEvents-1 && rest > 0 {
			more := fmt.Sprintf("\n(and %d more)", rest)
			note = shorten(note, maxNote-len(more)) + more
		}
		if i == maxEvents {
			return
		}
		t.recorder.Eventf(reference(o, p.Field), nil, corev1.EventTypeWarning, string(p.Reason), actionTranslate, "%s", shorten(note, maxNote))
	}
}

// reference names the object and the field: Events that differ in neither, nor in the reason, are
// counted as one by client-go, whatever they say.
func reference(o client.Object, field string) *corev1.ObjectReference {
	ref := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: kindRoute,
		Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(), FieldPath: field,
	}
	if _, ok := o.(*networkingv1.Ingress); ok {
		ref.APIVersion, ref.Kind = networkingv1.SchemeGroupVersion.String(), kindIngress
	}
	return ref
}
