package chart_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommandsWork runs the commands in the chart's README from top to bottom. There are no nodes here, so that
// nothing is waited for and hooks have nowhere to run; docs/install.md has the same commands, and make e2e runs those.
func TestReadmeCommandsWork(t *testing.T) {
	withoutCRD(t)
	text, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", "")) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "    #")
			if runReadmeCommand(t, strings.Fields(command)) {
				ran++
			}
		}
	}
	if ran < 6 {
		t.Errorf("%d commands seen in the README", ran)
	}
	helm(t, "uninstall", "internal", "--namespace", "fairlead-internal", "--no-hooks") // which the README leaves
}

// runReadmeCommand runs a command as far as a cluster without nodes can, and reports whether it ran.
func runReadmeCommand(t *testing.T, words []string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	switch {
	case len(words) > 1 && words[0] == "helm" && words[1] == "test":
		return false
	case len(words) > 1 && words[0] == "helm":
		args := words[1:]
		if args[len(args)-1] == "--wait" {
			args = args[:len(args)-1]
		}
		if args[0] == "uninstall" {
			args = append(args, "--no-hooks")
		}
		_, err = tryHelm(ctx, args...)
	case len(words) > 1 && words[0] == "kubectl":
		_, err = plane.Kubectl(ctx, words[1:]...)
	default:
		t.Errorf("the README says %q, which this test can't run", words)
		return false
	}
	if err != nil {
		t.Errorf("the README says %q: %v", words, err)
	}
	return true
}
