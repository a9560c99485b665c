package chart_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLintIsSatisfied lints what people have who set nothing, and who set much.
func TestLintIsSatisfied(t *testing.T) {
	for _, name := range []string{"defaults", "all-observed", "daemonset-host-ports", "extra-everything", "namespaces"} {
		out := helm(t, "lint", "--strict", chart, "--values", filepath.Join("testdata", "values", name+".yaml"))
		if !strings.Contains(out, "1 chart(s) linted, 0 chart(s) failed") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestDefaultsAreAsReviewed: what a release with default values is made of, in testdata/defaults.yaml, where a change of
// a template shows what it does. The CRD is in config/crd.
func TestDefaultsAreAsReviewed(t *testing.T) {
	var text strings.Builder
	for document := range strings.SplitSeq(helm(t, "template", "fairlead", chart, "--namespace", home), "---\n") {
		if document != "" && !strings.Contains(document, "\nkind: CustomResourceDefinition\n") {
			text.WriteString("---\n" + document)
		}
	}
	golden(t, filepath.Join("testdata", "defaults.yaml"), []byte(text.String()))
}

// TestTheSameValuesGiveTheSameObjects: an upgrade that changes nothing restarts nothing.
func TestTheSameValuesGiveTheSameObjects(t *testing.T) {
	args := []string{"template", "fairlead", chart, "--namespace", home, "--values", filepath.Join("testdata", "values", "extra-everything.yaml")}
	first := helm(t, args...)
	for range 3 {
		if again := helm(t, args...); again != first {
			t.Fatalf("rendered twice, two results:\n%s\nand\n%s", first, again)
		}
	}
}
