package crd

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

const docsFile = "../../docs/api.md"

const intro = `# WebSocketRoute

<!-- Generated from the CRD: go test ./config/crd -run Docs -update -->

Every field of ` + "`fairlead.dev/v1alpha1`" + `, kind WebSocketRoute, short name ` + "`wsr`" + `; the same text as that of
` + "`kubectl explain`" + `. Durations are numbers with a unit of h, m, s or ms: ` + "`1h30m`, `500ms`" + `. Where there are rules, the API
server refuses what breaks one, with the words that stand here.

A rule's ` + "`policy`" + ` stands over ` + "`spec.policy`" + ` field by field: what it sets counts for the rule, and the rest is as the route
says. Changes count for new sessions. No change closes one that is open, but for deleting the route.
`

// The page that users read and the schema that API servers enforce are the same.
func TestDocsAreCurrent(t *testing.T) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(WebSocketRoutes, &definition); err != nil {
		t.Fatal(err)
	}
	root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	var b strings.Builder
	b.WriteString(intro)
	for _, part := range []string{"spec", "status"} {
		section(&b, part, root.Properties[part])
	}
	want := b.String()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil || string(got) != want {
		t.Errorf("docs/api.md is not what the CRD says (%v): go test ./config/crd -run Docs -update", err)
	}
}

// section writes the fields of the object at path, and then the objects among them.
func section(b *strings.Builder, path string, s apiextensionsv1.JSONSchemaProps) {
	fmt.Fprintf(b, "\n## %s\n\n| field | type | what it does |\n|---|---|---|\n", path)
	names := slices.Sorted(maps.Keys(s.Properties))
	for _, name := range names {
		p := s.Properties[name]
		text := p.Description
		if slices.Contains(s.Required, name) && !strings.Contains(text, "Required") {
			text += " Required."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, kind(p), cell(text))
	}
	if rules := messages(s, names); len(rules) > 0 {
		fmt.Fprintf(b, "\nRules:\n\n- %s\n", strings.Join(rules, "\n- "))
	}
	for _, name := range names {
		p, at := s.Properties[name], path+"."+name
		if p.Items != nil {
			p, at = *p.Items.Schema, at+"[]"
		}
		// The policy of a rule is that of spec; conditions are those of every API (metav1.Condition).
		if len(p.Properties) > 0 && at != "spec.rules[].policy" && at != "status.conditions[]" {
			section(b, at, p)
		}
	}
}

// kind says what may be written into a field.
func kind(p apiextensionsv1.JSONSchemaProps) string {
	switch {
	case p.XIntOrString:
		return "integer or string"
	case len(p.Enum) > 0:
		values := make([]string, len(p.Enum))
		for i, v := range p.Enum {
			values[i] = strings.Trim(string(v.Raw), `"`)
		}
		return strings.Join(values, ", ")
	case p.Items != nil:
		return "list of " + kind(*p.Items.Schema)
	case strings.HasSuffix(p.Pattern, "(h|m|s|ms)){1,4}$"):
		return "duration"
	}
	return p.Type
}

// messages returns the rules of an object and those of its fields that get no section, each once.
func messages(s apiextensionsv1.JSONSchemaProps, names []string) []string {
	var list []string
	add := func(field string, rules apiextensionsv1.ValidationRules) {
		for _, r := range rules {
			if text := field + r.Message; !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	add("", s.XValidations)
	for _, name := range names {
		p := s.Properties[name]
		if len(p.Properties) == 0 {
			add("`"+name+"`: ", p.XValidations)
		}
		if p.Items != nil && len(p.Items.Schema.Properties) == 0 {
			add("`"+name+"`: ", p.Items.Schema.XValidations)
		}
	}
	return list
}

// cell makes text fit into a line of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
