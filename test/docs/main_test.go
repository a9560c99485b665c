package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
	"github.com/fairlead/fairlead/test/docs"
)

var (
	// root is the checkout's folder.
	root string
	// plane is an API server with the CRDs of Fairlead, of the Prometheus Operator and of KEDA, which is asked
	// whether it would take what pages have readers apply.
	plane *cluster.Cluster
	// environment is that of the pages' commands.
	environment []string
)

// toolsVariable carries the folders of the programs into the namespace. They are built outside: inside, no
// module could be downloaded.
const toolsVariable = "TEST_DOCS_PATH"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if root, err = cluster.Root(); err != nil {
		log.Print(err)
		return 1
	}
	if os.Getenv(toolsVariable) != "" {
		return cluster.RunTests(suite{m})
	}
	dir, err := os.MkdirTemp("", "fairlead-docs-")
	if err != nil {
		log.Print(err)
		return 1
	}
	code := 1
	if err = prepare(dir); err == nil {
		code = cluster.RunTests(suite{m})
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

// prepare builds what pages use, and tells the process inside where it is.
func prepare(dir string) error {
	if missing := docs.Missing(); len(missing) > 0 {
		return fmt.Errorf("the pages use programs that are not here: apt-get install %s", strings.Join(missing, " "))
	}
	folders := []string{dir, filepath.Join(root, ".cache", "kube")}
	for _, step := range [][]string{
		{"go", "build", "-buildvcs=false", "-o", dir, "./cmd/fairlead"},
		{"go", "build", "-buildvcs=false", "-o", os.DevNull, "./hack/demo"}, // pages build it again, from what is in Go's cache
		{"hack/crds/build.sh"},
		{"hack/helm/build.sh"},
	} {
		cmd := exec.Command(step[0], step[1:]...)
		var printed, said bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = root, &printed, &said
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(step, " "), err, said.Bytes())
		}
		if step[0] == "hack/helm/build.sh" {
			folders = append(folders, filepath.Dir(strings.TrimSpace(printed.String())))
		}
	}
	return os.Setenv(toolsVariable, strings.Join(folders, string(os.PathListSeparator)))
}

// suite is the tests with what they share.
type suite struct{ tests *testing.M }

// Run starts what the tests share, runs them, and ends it.
func (s suite) Run() (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var err error
	plane, err = cluster.Start(ctx, cluster.Options{
		CRDs:               []string{filepath.Join(root, "config", "crd", "bases"), filepath.Join(root, ".cache", "crds")},
		WithoutControllers: true,
	})
	if err != nil {
		log.Print(err)
		return 1
	}
	path := os.Getenv(toolsVariable) + string(os.PathListSeparator) + os.Getenv("PATH")
	environment = append(os.Environ(), "PATH="+path, "KUBECONFIG="+plane.Kubeconfig)
	code = s.tests.Run()
	if err := plane.Stop(); err != nil {
		log.Print(err)
		return 1
	}
	return code
}
