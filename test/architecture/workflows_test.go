package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is what matters here of a file under .github/workflows.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		TimeoutMinutes int `json:"timeout-minutes"`
		Steps          []struct{ Uses, Run string }
	}
}

var (
	makeTarget = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	ownScript  = regexp.MustCompile(`(?:^|[\s"'(])((?:\.ci|hack)/[\w./-]+)`)
)

// TestWorkflowsRunWhatIsThere keeps a renamed target or script from being noticed at the next release.
func TestWorkflowsRunWhatIsThere(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflow was found, %v", err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(content, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
			t.Errorf("%s: may %v; give a job what it needs more than contents: read", file, w.Permissions)
		}
		for name, job := range w.Jobs {
			if job.TimeoutMinutes == 0 {
				t.Errorf("%s: job %s has no timeout-minutes", file, name)
			}
			for _, step := range job.Steps {
				called += calls(t, file, step.Run, string(makefile))
			}
		}
	}
	if called < 3 {
		t.Errorf("only %d make targets and scripts were found in %v: does this test still read them?", called, files)
	}
}

// calls checks what a step runs, and returns how many targets and scripts that are.
func calls(t *testing.T, file, run, makefile string) (n int) {
	t.Helper()
	for _, m := range makeTarget.FindAllStringSubmatch(run, -1) {
		if n++; !strings.Contains("\n"+makefile, "\n"+m[1]+":") {
			t.Errorf("%s: runs make %s, which the Makefile does not have", file, m[1])
		}
	}
	for _, m := range ownScript.FindAllStringSubmatch(run, -1) {
		n++
		if info, err := os.Stat("../../" + m[1]); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: runs %s, which is not there or not executable", file, m[1])
		}
	}
	return n
}
