package chart_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// forParents are in the schema and not among the values: Helm, or the chart that this one is a part of, sets them.
var forParents = []string{"enabled", "global"}

// TestSchemaAndValuesCoverEachOther: a value that the schema doesn't know could not be set, and one that only the
// schema knows would do nothing.
func TestSchemaAndValuesCoverEachOther(t *testing.T) {
	values, comments := readValues(t)
	var compare func(path string, values, schema map[string]any)
	compare = func(path string, values, schema map[string]any) {
		if schema["additionalProperties"] != false {
			t.Errorf("schema: %q takes any value: a slip of the pen would go unnoticed. Set additionalProperties to false", path)
		}
		properties, _ := schema["properties"].(map[string]any)
		for name := range properties {
			if _, found := values[name]; !found && (path != "" || !slices.Contains(forParents, name)) {
				t.Errorf("schema: %q is not in values.yaml", join(path, name))
			}
		}
		for name, value := range values {
			at := join(path, name)
			property, found := properties[name].(map[string]any)
			if !found {
				t.Errorf("values.yaml: %q is not in the schema", at)
				continue
			}
			if inner, isMap := value.(map[string]any); isMap && isGroup(at, inner, comments) {
				compare(at, inner, property)
			} else if comments[at] == "" {
				t.Errorf("values.yaml: %q has no comment that says what it is for", at)
			}
		}
	}
	compare("", values, readSchema(t))
}

// TestSchemaSaysWhatCommentsSay: what an editor shows is what values.yaml says.
func TestSchemaSaysWhatCommentsSay(t *testing.T) {
	values, comments := readValues(t)
	schema := readSchema(t)
	var describe func(path string, values, schema map[string]any)
	describe = func(path string, values, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for name, value := range values {
			at := join(path, name)
			property, found := properties[name].(map[string]any)
			if !found {
				continue // the other test says so
			}
			if comment := comments[at]; comment != "" {
				property["description"] = comment
			} else {
				delete(property, "description")
			}
			if inner, isMap := value.(map[string]any); isMap && isGroup(at, inner, comments) {
				describe(at, inner, property)
			}
		}
	}
	describe("", values, schema)
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(chart, "values.schema.json"), want.Bytes())
}

// TestSchemaKnowsAllItNames: each definition is used, and each that is used is there.
func TestSchemaKnowsAllItNames(t *testing.T) {
	schema := readSchema(t)
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`"#/definitions/([A-Za-z]+)"`).FindAllSubmatch(text, -1) {
		used[string(match[1])] = true
	}
	defined := slices.Sorted(maps.Keys(schema["definitions"].(map[string]any)))
	if names := slices.Sorted(maps.Keys(used)); !slices.Equal(names, defined) {
		t.Errorf("the schema uses %q and defines %q", names, defined)
	}
}

// isGroup reports whether the values at path are a group of values, and not one value that is a map: those of a group
// have comments.
func isGroup(path string, values map[string]any, comments map[string]string) bool {
	return comments[path] == "" || slices.ContainsFunc(slices.Collect(maps.Keys(values)), func(name string) bool {
		return comments[join(path, name)] != ""
	})
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func readSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

var (
	commentBegins = regexp.MustCompile(`^ *# -- (?:\([a-z/]+\) )?(.*)$`) // a type in parentheses is for the README
	commentGoesOn = regexp.MustCompile(`^ *# (.*)$`)
	key           = regexp.MustCompile(`^( *)([A-Za-z]+):`)
)

// readValues returns the values of the chart, and by their paths the comments that begin with "# --".
func readValues(t *testing.T) (values map[string]any, comments map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	comments = map[string]string{}
	var above []string // comment lines so far
	var path []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if match := commentBegins.FindStringSubmatch(line); match != nil {
			above = match[1:]
		} else if match := commentGoesOn.FindStringSubmatch(line); match != nil && above != nil {
			above = append(above, match[1])
		} else if match := key.FindStringSubmatch(line); match != nil {
			path = append(path[:len(match[1])/2], match[2])
			if above != nil {
				comments[strings.Join(path, ".")] = strings.Join(above, " ")
			}
			above = nil
		} else {
			above = nil
		}
	}
	return values, comments
}

// golden compares got with the file at path; with -update it writes the file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v). If the change is meant: go test ./test/chart -update, and look at the difference", path, err)
	}
}
