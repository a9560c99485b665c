package chart_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// flagsSeen are the flags that entries of the matrix lead to.
type flagsSeen struct {
	mu    sync.Mutex
	names map[string]bool
}

// check starts fairlead with the flags of a release. It gets as far as the kubeconfig, which is not there: every flag and
// its value have been read then.
func (f *flagsSeen) check(t *testing.T, args []string) {
	t.Helper()
	const nowhere = "/nowhere/kubeconfig"
	out, err := exec.CommandContext(t.Context(), os.Getenv(fairleadVariable), append(slices.Clone(args), "--kubeconfig="+nowhere)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), nowhere) {
		t.Errorf("fairlead %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, arg := range args[1:] {
		name, _, _ := strings.Cut(arg, "=")
		f.names[name] = true
	}
}

// withoutValue are the flags for which there is no value, and why.
var withoutValue = map[string]string{
	"--kubeconfig":                "a pod has a ServiceAccount",
	"--leader-election-namespace": "it is that of the pod, where its rights are",
	"--help":                      "it serves nothing",
}

// complete checks that what can be said by a flag can be said by a value, or that there is a reason why not.
func (f *flagsSeen) complete(t *testing.T) {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), os.Getenv(fairleadVariable), "controller", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^ {2,6}(?:-h, )?(--[a-z-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(flags) < 30 {
		t.Fatalf("%d flags in --help: %s", len(flags), help)
	}
	for _, flag := range flags {
		if withoutValue[flag[1]] == "" && !f.names[flag[1]] {
			t.Errorf("no entry of the matrix leads to %s: add a value for it, or one to testdata/values, or a reason to withoutValue", flag[1])
		}
	}
}
