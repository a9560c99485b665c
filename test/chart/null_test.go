package chart_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNullIsRefusedOrMeansNothing: null is how a file of values takes a default away. Lists, maps and texts can be gone.
// A number, a switch or a choice can't: it would be 0, off or empty unseen, so the schema wants it to be there.
func TestNullIsRefusedOrMeansNothing(t *testing.T) {
	values, comments := readValues(t)
	var take func(path string, values, schema map[string]any) map[string]any
	take = func(path string, values, schema map[string]any) map[string]any {
		required, _ := schema["required"].([]any)
		properties := schema["properties"].(map[string]any)
		taken := map[string]any{}
		for name, value := range values {
			at := join(path, name)
			inner, isMap := value.(map[string]any)
			group := isMap && isGroup(at, inner, comments)
			switch wanted := slices.Contains(required, any(name)); {
			case group && wanted:
				taken[name] = take(at, inner, properties[name].(map[string]any))
			case group:
				t.Errorf("schema: %s must be required: templates look into it", at)
			case !wanted:
				taken[name] = nil
			}
		}
		return taken
	}
	nothing := take("", values, readSchema(t))
	for _, group := range []string{"networkPolicy", "keda"} {
		nothing[group].(map[string]any)["enabled"] = true
	}
	nothing["keda"].(map[string]any)["prometheusAddress"] = "http://prometheus.monitoring.svc:9090"
	nothing["podDisruptionBudget"] = map[string]any{"minAvailable": nil}
	for _, group := range []string{"serviceMonitor", "prometheusRule", "dashboard"} {
		nothing["metrics"].(map[string]any)[group].(map[string]any)["enabled"] = true
	}
	content, err := json.Marshal(nothing)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nothing.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	objects := render(t, "--values", file)
	if len(objects) < 15 {
		t.Errorf("%d objects", len(objects))
	}
	for _, object := range objects {
		if path := findNull(object.Object); path != "" {
			t.Errorf("%s: %s is null", describe(object), path)
		}
	}
	for _, arg := range podOf(t, objects).Spec.Containers[0].Args {
		if strings.HasSuffix(arg, "=") || strings.HasSuffix(arg, "=s") {
			t.Errorf("the flag %q says nothing", arg)
		}
	}
}

// findNull returns where in a value there is a null. Empty: nowhere.
func findNull(value any) string {
	switch value := value.(type) {
	case nil:
		return "."
	case map[string]any:
		for name, inner := range value {
			if path := findNull(inner); path != "" {
				return "." + name + strings.TrimSuffix(path, ".")
			}
		}
	case []any:
		for _, inner := range value {
			if path := findNull(inner); path != "" {
				return "[]" + strings.TrimSuffix(path, ".")
			}
		}
	}
	return ""
}
