package controllers

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/translate"
)

func TestConditionsSayWhyNothingIsServed(t *testing.T) {
	invalid := translate.Problem{Reason: v1alpha1.ReasonInvalid, Field: "spec.rules[0].matches[0].path", Message: "no expression"}
	lost := translate.Problem{Reason: v1alpha1.ReasonBackendNotFound, Field: "spec.rules[1].backends[0]", Message: "no Service"}
	taken := translate.Problem{Reason: v1alpha1.ReasonConflicted, Field: "spec.hosts[0]", Message: "taken by another"}
	stray := translate.Problem{Reason: v1alpha1.ReasonClassNotFound, Field: "spec.ingressClassName", Message: "no class"}
	for name, c := range map[string]struct {
		routes                     int
		problems                   []translate.Problem
		accepted, programmed, refs string // status and reason
	}{
		"all is well":      {1, nil, "True Accepted", "True Programmed", "True ResolvedRefs"},
		"a part is not":    {1, []translate.Problem{invalid}, "True Accepted", "True Programmed", "True ResolvedRefs"},
		"a backend is not": {1, []translate.Problem{lost}, "True Accepted", "True Programmed", "False BackendNotFound"},
		"nothing is valid": {0, []translate.Problem{invalid, lost}, "False Invalid", "False Invalid", "False BackendNotFound"},
		"all is taken":     {0, []translate.Problem{taken}, "False Conflicted", "False Conflicted", "True ResolvedRefs"},
		"nobody's":         {0, []translate.Problem{stray}, "False ClassNotFound", "False ClassNotFound", "Unknown Pending"},
		"refs alone":       {0, []translate.Problem{lost}, "False BackendNotFound", "False BackendNotFound", "False BackendNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			var conditions []metav1.Condition
			r := translate.ObjectReport{Object: translate.ObjectRef{Generation: 7}, Routes: c.routes, Problems: c.problems}
			setConditions(&conditions, r)
			for kind, want := range map[v1alpha1.ConditionType]string{
				v1alpha1.ConditionAccepted: c.accepted, v1alpha1.ConditionProgrammed: c.programmed, v1alpha1.ConditionResolvedRefs: c.refs,
			} {
				got := meta.FindStatusCondition(conditions, string(kind))
				if s := fmt.Sprintf("%s %s", got.Status, got.Reason); s != want || got.ObservedGeneration != 7 || got.Message == "" {
					t.Errorf("%s: %s at %d (%s), want %s", kind, s, got.ObservedGeneration, got.Message, want)
				}
			}
			for _, p := range c.problems {
				for _, words := range []string{p.Field, p.Message} {
					if !strings.Contains(fmt.Sprint(conditions), words) {
						t.Errorf("no condition says %q", words)
					}
				}
			}
		})
	}
}

func TestManyProblemsAreTenEventsThatFit(t *testing.T) {
	recorder := events.NewFakeRecorder(100)
	teller := newTeller(recorder)
	r := translate.ObjectReport{Object: translate.ObjectRef{Kind: kindIngress, UID: "1"}, Routes: 1}
	for i := range 25 {
		r.Problems = append(r.Problems, translate.Problem{Reason: v1alpha1.ReasonInvalid, Field: fmt.Sprint(i), Message: strings.Repeat("ü", 2000)})
	}
	n := &tenant{t: t, name: "a"}
	for range 2 { // the second time there is nothing new
		teller.tell(n.ingress("a", "a.example.com", "a"), keyOf(r.Object), r, history{toldServed: true})
	}
	if len(recorder.Events) != maxEvents {
		t.Fatalf("%d events", len(recorder.Events))
	}
	last := ""
	for len(recorder.Events) > 0 {
		last = <-recorder.Events
		if note := strings.TrimPrefix(last, corev1.EventTypeWarning+" Invalid "); len(note) > maxNote || !utf8.ValidString(note) {
			t.Errorf("a note of %d bytes", len(note))
		}
	}
	if !strings.HasSuffix(last, "(and 15 more)") {
		t.Errorf("the last one ends with %q", last[len(last)-40:])
	}
}
