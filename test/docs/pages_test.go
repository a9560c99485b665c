package docs_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/docs"
)

// eachPage runs a subtest for each page.
func eachPage(t *testing.T, test func(t *testing.T, page docs.Page)) {
	t.Helper()
	for _, path := range docs.Pages {
		t.Run(path, func(t *testing.T) {
			page, err := docs.Read(root, path)
			if err != nil {
				t.Fatal(err)
			}
			test(t, page)
		})
	}
}

func TestEachBlockSaysHowItIsKnownToBeRight(t *testing.T) {
	eachPage(t, func(t *testing.T, page docs.Page) {
		for _, wrong := range docs.Check(root, page) {
			t.Error(wrong)
		}
	})
}

// TestCommandsWithoutACluster runs them in a copy of the checkout.
func TestCommandsWithoutACluster(t *testing.T) {
	eachPage(t, func(t *testing.T, page docs.Page) {
		folder := t.TempDir()
		if err := docs.Checkout(root, folder); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		session := docs.Session{Folder: folder, Environment: withoutCluster(), Log: t.Output()}
		if err := session.Run(ctx, page, docs.Local); err != nil {
			t.Error(err)
		}
	})
}

func withoutCluster() []string {
	return append(environment[:len(environment):len(environment)], "KUBECONFIG=/no-cluster-here", "GOFLAGS=-buildvcs=false")
}

// TestManifestsAreTaken asks the API server whether it would take what readers shall apply.
func TestManifestsAreTaken(t *testing.T) {
	eachPage(t, func(t *testing.T, page docs.Page) {
		for _, block := range page.Blocks {
			if block.Language == "yaml" && block.Mark.Kind == "" {
				taken(t, block, block.Text)
			}
		}
	})
}

// TestValuesOfTheChart renders the chart with the values that pages show.
func TestValuesOfTheChart(t *testing.T) {
	eachPage(t, func(t *testing.T, page docs.Page) {
		for _, block := range page.Blocks {
			saved := block.Mark.Kind == docs.File && strings.HasSuffix(block.Mark.Text, "/values.yaml")
			if block.Mark.Kind == docs.Values || saved {
				taken(t, block, rendered(t, block))
			}
		}
	})
}

func rendered(t *testing.T, block docs.Block) string {
	t.Helper()
	values := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(values, []byte(block.Text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, said, err := command(t, "", "helm", "template", "fairlead", filepath.Join(root, "charts", "fairlead"),
		"--namespace", "default", "--values", values, "--no-hooks", "--set", "crds.install=false") // the CRD is there
	if err != nil {
		t.Errorf("%s: helm template: %v\n%s", block.Place(), err, said)
	}
	return out
}

func command(t *testing.T, input, name string, args ...string) (printed, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, problems strings.Builder
	cmd := exec.CommandContext(ctx, "env", append([]string{name}, args...)...) // env looks along the PATH of the pages
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = root, environment, strings.NewReader(input), &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

var links = regexp.MustCompile(`\]\(([^)#\s]+)`)

// TestLinksLeadSomewhere follows those into the checkout.
func TestLinksLeadSomewhere(t *testing.T) {
	eachPage(t, func(t *testing.T, page docs.Page) {
		content, err := os.ReadFile(filepath.Join(root, page.Path))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page.Path), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", page.Path, link[1], err)
			}
		}
	})
}
