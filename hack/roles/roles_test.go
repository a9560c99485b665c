package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// source writes a Go file with a comment and returns its folder.
func source(t *testing.T, comment string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte("package a\n\n"+comment+"\n\nvar X int\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Whoever adds a right in controllers/ finds it, with the reason, in both ways of installing.
func TestAMarkerBecomesARuleWithItsReason(t *testing.T) {
	reasons, err := read(source(t, `// To know who is there.
// And where.
// +kubebuilder:rbac:groups="";apps,resources=pods;things/status,verbs=get;list
// +kubebuilder:rbac:groups="",namespace=home,resources=secrets,resourceNames=fairlead-tickets,verbs=update`))
	if err != nil {
		t.Fatal(err)
	}
	const why = "# To know who is there.\n# And where.\n"
	const rule = why + "- apiGroups: [\"\", apps]\n  resources: [pods, things/status]\n  verbs: [get, list]\n"
	const own = why + "- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [%]\n  verbs: [update]\n"
	for name, c := range map[string]struct{ text, want string }{
		"config, everywhere": {roles(reasons), "kind: ClusterRole\nmetadata:\n  name: fairlead\nrules:\n" + rule + "---\n"},
		"config, own":        {roles(reasons), "kind: Role\nmetadata:\n  name: fairlead\n  namespace: home\nrules:\n" + strings.Replace(own, "%", "fairlead-tickets", 1)},
		"chart, everywhere":  {templates(reasons), "{{- define \"fairlead.rules.namespaced\" -}}\n" + rule + "{{- end -}}\n"},
		"chart, own":         {templates(reasons), "{{- define \"fairlead.rules.own\" -}}\n" + strings.Replace(own, "%", `{{ include "fairlead.ticketSecret" . }}`, 1)},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("%s: no\n%s\nin\n%s", name, c.want, c.text)
		}
	}
}

func TestMarkersThatMustNotBe(t *testing.T) {
	for comment, says := range map[string]string{
		"// +kubebuilder:rbac:groups=\"\",resources=pods,verbs=get":                     "say why",
		"// To see.\n// +kubebuilder:rbac:groups=\"\",resources=pods,verbs=*":           "* gives more",
		"// To see.\n// +kubebuilder:rbac:groups=\"\",resources=pods":                   "needs verbs",
		"// To see.\n// +kubebuilder:rbac:resources=pods,verbs=get":                     "groups and resources",
		"// To see.\n// +kubebuilder:rbac:groups=\"\",resources=pods,verb=get":          `"verb=get" is not understood`,
		"// To see.\n// +kubebuilder:rbac:urls=/x,groups=\"\",resources=pods,verbs=get": "either urls or groups",
		"// Nothing here.": "no +kubebuilder:rbac: marker",
	} {
		if _, err := read(source(t, comment)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\ngives %v, want %q", comment, err, says)
		}
	}
}

// Every right of the source is in exactly one set, and what config/ gives is all of them but the one on namespaces.
func TestNoRightIsLost(t *testing.T) {
	reasons, err := read(filepath.Join("..", "..", "controllers"))
	if err != nil {
		t.Fatal(err)
	}
	all, in := 0, map[set]int{}
	for _, r := range reasons {
		for _, rule := range r.rules {
			all++
			in[rule.set()]++
		}
	}
	for _, s := range []set{urls, cluster, selector, namespaced, references, own} {
		if in[s] == 0 {
			t.Errorf("no right is in the set %s", s)
		}
	}
	given := 0
	for document := range strings.SplitSeq(roles(reasons), "---\n") {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		given += len(role.Rules)
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "namespaces") {
				t.Errorf("config/rbac gives %v", rule)
			}
		}
	}
	if given != all-in[selector] {
		t.Errorf("config/rbac has %d of %d rules, with %d of the selector", given, all, in[selector])
	}
}

// TestRun writes files, as hack/generate.sh wants them.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "role.yaml")
	from := source(t, "// To see.\n// +kubebuilder:rbac:groups=\"\",namespace=home,resources=pods,verbs=get")
	if err := run([]string{"--from", from, "--cluster", file}); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(content), "# Written by hack/generate.sh") {
		t.Errorf("%v\n%s", err, content)
	}
	if err := run([]string{"--from", filepath.Join(from, "none")}); err == nil {
		t.Error("a folder that is not there is read")
	}
}
