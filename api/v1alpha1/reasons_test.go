package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

// conditionReason is what the API server takes as the reason of a condition (metav1.Condition).
var conditionReason = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// TestEveryReasonIsOneWord reads the constants from the source: each has the value that its name
// says, in a form that a condition may have.
func TestEveryReasonIsOneWord(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		constant := spec.Names[0].Name
		kind := spec.Type.(*ast.Ident).Name
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		prefix := map[string]string{"Reason": "Reason", "ConditionType": "Condition"}[kind]
		if constant != prefix+value {
			t.Errorf("%s has the value %q", constant, value)
		}
		if !conditionReason.MatchString(value) {
			t.Errorf("%s: %q can't stand in a condition", constant, value)
		}
		if other, twice := seen[kind+value]; twice {
			t.Errorf("%s and %s are the same word", constant, other)
		}
		seen[kind+value] = constant
		return true
	})
	if len(seen) < 15 {
		t.Errorf("%d constants only: the walk is broken", len(seen))
	}
}

func TestReasonsSpeakOfTheirCondition(t *testing.T) {
	for reason, want := range map[Reason]ConditionType{
		ReasonAccepted:              ConditionAccepted,
		ReasonConflicted:            ConditionAccepted,
		ReasonClassNotFound:         ConditionAccepted,
		ReasonInvalidAnnotation:     ConditionAccepted,
		ReasonResolvedRefs:          ConditionResolvedRefs,
		ReasonBackendNotFound:       ConditionResolvedRefs,
		ReasonPortNotFound:          ConditionResolvedRefs,
		ReasonInvalidCertificateRef: ConditionResolvedRefs,
		ReasonProgrammed:            ConditionProgrammed,
		ReasonPending:               ConditionProgrammed,
	} {
		if got := reason.Condition(); got != want {
			t.Errorf("%s speaks of %s, want %s", reason, got, want)
		}
	}
}

func TestAddToSchemeKnowsBothKinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"WebSocketRoute", "WebSocketRouteList"} {
		if !scheme.Recognizes(GroupVersion.WithKind(kind)) {
			t.Errorf("%s is not known", kind)
		}
	}
	if got := Resource("websocketroutes").String(); got != "websocketroutes.fairlead.dev" {
		t.Errorf("resource %s", got)
	}
}
