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

// To tell owners, where their objects are.
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

const (
	// reporter is the reportingController of our Events.
	reporter = "fairlead.dev/ingress-controller"
	// maxEvents bounds the Events about one change of one object; the last of them says how many
	// problems there are besides.
	maxEvents = 10
	// maxNote is the length that events.k8s.io/v1 allows for a note.
	maxNote = 1024
	// maxVersions bounds what is remembered of one object; beyond it Events are merely not counted as one.
	maxVersions = 100

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
	// versions holds the object's version at which each thing was first told. client-go counts
	// Events as one that are alike in object, its version, field and reason, whatever they say: so
	// what comes and goes is one Event that counts, though every status that we write is a new
	// version, and another text is another Event.
	versions map[translate.Problem]string
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
// the same as before, and once that the object is served. It is for one caller at a time per object.
func (t *teller) tell(o client.Object, key objectKey, r translate.ObjectReport, h history) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.told[key]
	if !known || before.uid != r.Object.UID {
		before = told{served: h.toldServed, versions: map[translate.Problem]string{}}
		if h.toldProblems {
			before.problems = r.Problems
		}
	}
	now := told{uid: r.Object.UID, problems: r.Problems, served: r.Routes > 0, versions: before.versions}
	t.told[key] = now
	if !slices.Equal(before.problems, now.problems) {
		t.problems(o, now)
	}
	if now.served && !before.served {
		note := "published as " + count(r.Routes, "route")
		t.recorder.Eventf(now.reference(o, translate.Problem{Message: note}), nil, corev1.EventTypeNormal,
			string(v1alpha1.ReasonProgrammed), actionPublish, "%s", note)
	}
}

func (t *teller) problems(o client.Object, now told) {
	for i, p := range now.problems {
		note := describe([]translate.Problem{p})
		if rest := len(now.problems) - maxEvents; i == maxEvents-1 && rest > 0 {
			more := fmt.Sprintf("\n(and %d more)", rest)
			note = shorten(note, maxNote-len(more)) + more
		}
		if i == maxEvents {
			return
		}
		t.recorder.Eventf(now.reference(o, p), nil, corev1.EventTypeWarning, string(p.Reason), actionTranslate, "%s", shorten(note, maxNote))
	}
}

// reference names the object, at the version at which it was first told of the problem, and the field.
func (t told) reference(o client.Object, p translate.Problem) *corev1.ObjectReference {
	version, again := t.versions[p]
	if !again {
		if len(t.versions) == maxVersions {
			clear(t.versions)
		}
		version = o.GetResourceVersion()
		t.versions[p] = version
	}
	ref := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: kindRoute,
		Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: version, FieldPath: p.Field,
	}
	if _, ok := o.(*networkingv1.Ingress); ok {
		ref.APIVersion, ref.Kind = networkingv1.SchemeGroupVersion.String(), kindIngress
	}
	return ref
}
