package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/test/cluster"
)

// The control plane and the node are shared: each test has a namespace and a fairlead of its own.
var (
	plane *cluster.Cluster
	node  *cluster.Node
	// account is the kubeconfig of fairlead's ServiceAccount, who may do what config/rbac allows.
	account string
)

// binaryVariable carries the path of the binary into the namespace. It is built outside: inside, no module could be downloaded.
const binaryVariable = "TEST_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(binaryVariable) == "" {
		dir, err := os.MkdirTemp("", "fairlead-e2e-")
		if err != nil {
			log.Fatal(err)
		}
		code := build(dir)
		if code == 0 {
			code = cluster.RunTests(suite{m})
		}
		if err := os.RemoveAll(dir); err != nil {
			log.Fatal(err)
		}
		os.Exit(code)
	}
	os.Exit(cluster.RunTests(suite{m}))
}

// build builds fairlead into dir.
func build(dir string) (code int) {
	binary := filepath.Join(dir, "fairlead")
	args := append([]string{"build", "-o", binary}, raceFlags...)
	out, err := exec.Command("go", append(args, "github.com/fairlead/fairlead/cmd/fairlead")...).CombinedOutput()
	if err == nil {
		err = os.Setenv(binaryVariable, binary)
	}
	if err != nil {
		log.Printf("build fairlead: %v\n%s", err, out)
		return 1
	}
	return 0
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

func begin(ctx context.Context) error {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	root, err := cluster.Root()
	if err != nil {
		return err
	}
	config := func(name string) string { return filepath.Join(root, "config", name) }
	if plane, err = cluster.Start(ctx, cluster.Options{Scheme: scheme, CRDs: []string{config("crd/bases")}}); err != nil {
		return err
	}
	if node, err = plane.StartNode(ctx, nil); err != nil {
		return err
	}
	// What a user installs, but for the Deployment: the tests start the process themselves.
	err = plane.Apply(ctx, config("default/namespace.yaml"), config("rbac/service_account.yaml"), config("rbac/role.yaml"),
		config("rbac/role_binding.yaml"), config("ingressclass/ingressclass.yaml"))
	if err != nil {
		return err
	}
	account, err = plane.KubeconfigFor("system:serviceaccount:fairlead-system:fairlead")
	return err
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

// eventually polls until check returns nil, and fails the test when it does not within patience.
func eventually(t *testing.T, patience time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errNotYet = errors.New("not yet")

// wanted is an error unless got is what is wanted.
func wanted[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("%w: got %v, want %v", errNotYet, got, want)
	}
	return nil
}
