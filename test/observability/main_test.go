package observability_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
)

// Programs that are built before the tests enter their namespace, where no module could be downloaded. The variables
// carry their paths into it.
const (
	binaryVariable = "TEST_BINARY"
	helmVariable   = "TEST_HELM"
	toolsVariable  = "TEST_PROMETHEUS_TOOLS" // a folder with promtool and selectors
)

var (
	plane *cluster.Cluster
	node  *cluster.Node
	root  = filepath.Join("..", "..")
)

func TestMain(m *testing.M) {
	if os.Getenv(binaryVariable) == "" {
		dir, err := os.MkdirTemp("", "fairlead-observability-")
		if err != nil {
			log.Fatal(err)
		}
		err = errors.Join(look(), build(dir))
		code := 1
		if err == nil {
			code = cluster.RunTests(suite{m})
		}
		if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
		os.Exit(code)
	}
	os.Exit(cluster.RunTests(suite{m}))
}

// look looks at every file that the programs read. The go command keeps the result of a test as long as the files that
// the test looked at stay the same, and does not see those that another process reads.
func look() error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".go", ".sh", ".sum", ".yaml", ".tpl", ".json", ".md":
			if err == nil {
				_, err = os.Stat(path)
			}
		}
		return err
	})
}

func build(dir string) error {
	fairlead := filepath.Join(dir, "fairlead")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", fairlead, "github.com/fairlead/fairlead/cmd/fairlead").CombinedOutput(); err != nil {
		return fmt.Errorf("build fairlead: %w\n%s", err, out)
	}
	for variable, script := range map[string]string{helmVariable: "hack/helm/build.sh", toolsVariable: "hack/prometheus/build.sh"} {
		cmd := exec.Command(filepath.Join(root, script))
		cmd.Stderr = os.Stderr // what takes long
		out, err := cmd.Output()
		if err == nil {
			err = os.Setenv(variable, strings.TrimSpace(string(out)))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", script, err)
		}
	}
	return os.Setenv(binaryVariable, fairlead)
}

// suite is the tests with what they share.
type suite struct{ tests *testing.M }

// Run starts what the tests share, runs them, and ends it.
func (s suite) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	code := 1
	err := begin(ctx)
	if err == nil {
		code = s.tests.Run()
	}
	if err = errors.Join(err, end()); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

func begin(ctx context.Context) (err error) {
	if plane, err = cluster.Start(ctx, cluster.Options{CRDs: []string{filepath.Join(root, "config", "crd", "bases")}}); err != nil {
		return err
	}
	if node, err = plane.StartNode(ctx, nil); err != nil {
		return err
	}
	return plane.Apply(ctx, filepath.Join(root, "config", "ingressclass", "ingressclass.yaml"))
}

func end() error {
	if node != nil {
		node.Stop()
	}
	if plane != nil {
		return plane.Stop()
	}
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
