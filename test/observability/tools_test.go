package observability_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Where the chart is installed in these tests, and a pod of it. The names are those in testdata/alerts.
const (
	release   = "edge"
	namespace = "prod"
	fullname  = "edge-fairlead"
	pod       = "edge-fairlead-7c9d8f6b5-x2x4z"
)

// render renders the chart with some values and returns its objects by kind and name.
func render(t testing.TB, values ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	text, err := template(values...)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*unstructured.Unstructured{}
	for documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := documents.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("helm template: %v", err)
		}
		if len(object.Object) > 0 {
			objects[object.GetKind()+"/"+object.GetName()] = object
		}
	}
}

// template is `helm template` with --set for each of the values.
func template(values ...string) (string, error) {
	args := []string{"template", release, filepath.Join(root, "charts", "fairlead"), "--namespace", namespace}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	var out, complaint bytes.Buffer
	cmd := exec.Command(os.Getenv(helmVariable), args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", errors.New(complaint.String())
	}
	return out.String(), nil
}

// tool runs promtool or selectors in a folder.
func tool(t testing.TB, dir, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv(toolsVariable), args[0]), args[1:]...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// named is what a query names, as hack/prometheus/selectors tells it.
type named struct {
	Error     string
	Selectors []struct {
		Metric string
		Labels []string
	}
	Grouping []string
}

// selectors parses queries by Prometheus' parser.
func selectors(t testing.TB, queries []string) []named {
	t.Helper()
	in, err := json.Marshal(queries)
	must(t, err)
	out, err := tool(t, "", string(in), "selectors")
	if err != nil {
		t.Fatalf("selectors: %v\n%s", err, out)
	}
	var found []named
	must(t, json.Unmarshal([]byte(out), &found))
	if len(found) != len(queries) {
		t.Fatalf("%d queries, %d answers", len(queries), len(found))
	}
	return found
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(path, data, 0o600))
}
