// Package chart_test asks the real helm and a real kube-apiserver what the chart gives its users: which values
// it takes and what it says about those that it refuses, which objects come of them and whether an API server takes
// these, what the replicas may do with the rights that they get, and what a release leaves behind when it goes.
//
// There are no nodes here, and so no pods that run: test/e2e/installed has those.
package chart_test

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/test/cluster"
)

var update = flag.Bool("update", false, "write what the tests compare with anew: testdata/defaults.yaml, and descriptions in values.schema.json")

// root is this repository.
var root = filepath.Join("..", "..")

// chart is the folder of the chart.
var chart = filepath.Join(root, "charts", "fairlead")

// What the tests share: a control plane without nodes.
var plane *cluster.Cluster

// Programs are built outside of the namespace in which the tests run: inside, no module could be downloaded.
const (
	helmVariable     = "TEST_HELM"     // path of helm
	crdsVariable     = "TEST_CRDS"     // folder of CRDs of other projects, whose objects the chart can make
	fairleadVariable = "TEST_FAIRLEAD" // path of fairlead
)

func TestMain(m *testing.M) {
	if os.Getenv(helmVariable) != "" {
		os.Exit(cluster.RunTests(suite{m}))
	}
	dir, err := os.MkdirTemp("", "fairlead-chart-")
	if err == nil {
		err = build(dir)
	}
	code := 1
	if err == nil {
		code = cluster.RunTests(suite{m})
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Print(err)
		code = 1
	}
	os.Exit(code)
}

// build makes the programs, and says in the environment where they are.
func build(dir string) error {
	fairlead := filepath.Join(dir, "fairlead")
	args := []string{"build", "-buildvcs=false", "-o", fairlead}
	if raceDetector() {
		args = append(args, "-race")
	}
	for _, step := range []struct {
		name, variable, path string
		command              *exec.Cmd
	}{
		{"helm", helmVariable, "", exec.Command(filepath.Join(root, "hack", "helm", "build.sh"))},
		{"CRDs", crdsVariable, "", exec.Command(filepath.Join(root, "hack", "crds", "build.sh"))},
		{"fairlead", fairleadVariable, fairlead, exec.Command("go", append(args, "github.com/fairlead/fairlead/cmd/fairlead")...)},
	} {
		step.command.Stderr = os.Stderr
		out, err := step.command.Output()
		if err != nil {
			return errors.Join(errors.New("build "+step.name), err)
		}
		if step.path == "" {
			step.path = strings.TrimSpace(string(out))
		}
		if err := os.Setenv(step.variable, step.path); err != nil {
			return err
		}
	}
	return nil
}

// raceDetector reports whether these tests were built with the race detector; then fairlead is too.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
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
	if plane != nil {
		err = errors.Join(err, plane.Stop())
	}
	if err != nil {
		log.Print(err)
		return 1
	}
	return code
}

func begin(ctx context.Context) error {
	ctrllog.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	var err error
	plane, err = cluster.Start(ctx, cluster.Options{Scheme: scheme, CRDs: []string{os.Getenv(crdsVariable)}})
	return err
}

// TestMain of another process builds and reads most files. The go command keeps the results of tests as long as
// the files that they looked at stay the same, so the first test looks at all of them.
func TestResultsAreKeptOnlyWhileFilesStayTheSame(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"bin", "dist", "docs", "test"}, entry.Name())):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		seen++
		_, err = os.Stat(path)
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("saw %d files: %v", seen, err)
	}
}
