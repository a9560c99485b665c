package installed_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/docs"
)

// TestPages: somebody reads a page and types what it says, from top to bottom, on a cluster without Fairlead. See package docs.
func TestPages(t *testing.T) {
	if missing := docs.Missing(); len(missing) > 0 {
		t.Fatalf("the pages use programs that are not here: apt-get install %s", strings.Join(missing, " "))
	}
	uninstalled(t)
	for _, path := range docs.Pages {
		page, err := docs.Read(checkout, path)
		must(t, err)
		if !slices.ContainsFunc(page.Blocks, func(b docs.Block) bool { return b.Mark == docs.Mark{Kind: docs.Run, Text: docs.Cluster} }) {
			continue
		}
		t.Run(path, func(t *testing.T) {
			forgotten(t)
			t.Cleanup(func() { forgotten(t) })
			began := time.Now()
			session := docs.Session{Folder: t.TempDir(), Environment: readersEnvironment(t, path), Log: t.Output()}
			must(t, docs.Checkout(checkout, session.Folder))
			if err := session.Run(within(t, 6*time.Minute), page, docs.Cluster); err != nil {
				explain(t, "fairlead")
				t.Fatal(err)
			}
			told.say(t, "every command of %s: %s", path, since(began))
		})
	}
}

// readersEnvironment is that of somebody with kubectl and helm, whose current namespace is one of his own. What takes minutes and is told by
// no page is left out: the image is built for this machine's kind of processor only.
func readersEnvironment(t *testing.T, page string) []string {
	t.Helper()
	ns := strings.ToLower(strings.TrimSuffix(filepath.Base(page), ".md")) + "-reader"
	kubectl(t, "create", "namespace", ns) // with no label of Pod Security, as "default" is
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, ns)
		}
		remove(t, "namespace", ns)
	})
	config, err := os.ReadFile(kube.Kubeconfig())
	must(t, err)
	own := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(own, config, 0o600))
	kubectl(t, "config", "set-context", "--current", "--namespace", ns, "--kubeconfig", own)
	path := []string{filepath.Join(checkout, ".cache", "kube"), filepath.Join(checkout, ".cache", "tools"), os.Getenv("PATH")}
	home := filepath.Join(workshop, "helm")
	return append(os.Environ(), "PATH="+strings.Join(path, ":"), "KUBECONFIG="+own, "PLATFORMS=linux/"+runtime.GOARCH,
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
}

// forgotten takes away what pages install, whatever of it is there.
func forgotten(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var problems []error
	for _, name := range []string{"fairlead", "internal"} {
		_, err := tryHelm(ctx, "uninstall", name, "--namespace", "fairlead", "--ignore-not-found", "--wait")
		problems = append(problems, err)
	}
	for _, args := range [][]string{
		{"--kustomize", filepath.Join(checkout, "config", "default")}, // its CRD is the chart's too
		{"namespace", "fairlead"},
	} {
		_, err := kube.Kubectl(ctx, append([]string{"delete", "--ignore-not-found"}, args...)...)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		t.Error(err)
	}
}
