package chart_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// helmsOwn are the labels and annotations that only a release has: they tell of Helm, or that Helm leaves an object.
var helmsOwn = []string{"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart", "helm.sh/resource-policy"}

// TestKustomizeGivesTheSame compares config/default with a release that has default values, field by field. Whoever
// installs the one finds what is written about the other.
func TestKustomizeGivesTheSame(t *testing.T) {
	fromChart := map[string]any{}
	for _, object := range render(t) {
		if _, hook := object.GetAnnotations()["helm.sh/hook"]; !hook {
			fromChart[describe(object)] = stripped(t, object)
		}
	}
	fromConfig := map[string]any{}
	for _, object := range kustomize(t, "default") {
		if object.GetKind() != "Namespace" { // helm --create-namespace makes it
			fromConfig[describe(object)] = stripped(t, object)
		}
	}
	if len(fromChart) < 8 {
		t.Errorf("the chart gives %d objects only", len(fromChart))
	}
	if difference := cmp.Diff(fromChart, fromConfig); difference != "" {
		t.Errorf("-: the chart alone, +: config/default alone\n%s", difference)
	}
}

// kustomize builds a folder of config/.
func kustomize(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	out, err := plane.Kubectl(t.Context(), "kustomize", filepath.Join(root, "config", folder))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, out)
}

// stripped returns an object without what tells of Helm, and with the rules of a role in a fixed order.
func stripped(t *testing.T, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	for _, field := range []string{"labels", "annotations"} {
		for _, name := range helmsOwn {
			unstructured.RemoveNestedField(object.Object, "metadata", field, name)
		}
		if left, _, err := unstructured.NestedMap(object.Object, "metadata", field); err != nil {
			t.Fatal(err)
		} else if len(left) == 0 {
			unstructured.RemoveNestedField(object.Object, "metadata", field)
		}
	}
	if rules, _, err := unstructured.NestedSlice(object.Object, "rules"); err != nil {
		t.Fatal(err)
	} else if len(rules) > 0 {
		slices.SortFunc(rules, func(a, b any) int { return slices.Compare(text(t, a), text(t, b)) })
		object.Object["rules"] = rules
	}
	return object.Object
}

func text(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
