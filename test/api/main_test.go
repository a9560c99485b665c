// Package api_test asks a real kube-apiserver what users get: which objects it takes, what it says
// about those that it refuses, and what kubectl prints.
package api_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/config/crd"
)

var (
	restConfig *rest.Config
	api        client.Client

	// kubectl runs kubectl against the API server and returns what it printed.
	kubectl func(args ...string) (string, error)
	// installed is what kubectl apply -k config/default printed.
	installed string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	binaries, err := filepath.Abs("../../.cache/kube")
	if err != nil {
		return fail(err)
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(binaries, name)); err != nil {
			return fail(fmt.Errorf("these tests run against a real API server: run hack/kube/build.sh first (%w)", err))
		}
	}
	// Another control plane may be meant by these; the tests are about the pinned one.
	for _, name := range []string{"USE_EXISTING_CLUSTER", "KUBEBUILDER_ASSETS", "TEST_ASSET_ETCD", "TEST_ASSET_KUBE_APISERVER"} {
		if err := os.Unsetenv(name); err != nil {
			return fail(err)
		}
	}
	env := &envtest.Environment{BinaryAssetsDirectory: binaries}
	defer func() {
		if err := env.Stop(); err != nil {
			fail(err)
		}
	}()
	if restConfig, err = env.Start(); err != nil {
		return fail(fmt.Errorf("start the API server: %w", err))
	}
	dir, err := os.MkdirTemp("", "fairlead-test-api-")
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fail(err)
		}
	}()
	if err := install(filepath.Join(binaries, "kubectl"), dir, env.KubeConfig); err != nil {
		return fail(err)
	}
	return m.Run()
}

// install applies config/default as the README says, and makes the clients of the tests.
func install(kubectlBinary, dir string, kubeconfig []byte) error {
	kubectl = func(args ...string) (string, error) {
		all := append([]string{"--kubeconfig=" + filepath.Join(dir, "kubeconfig"), "--cache-dir=" + filepath.Join(dir, "cache")}, args...)
		out, err := exec.Command(kubectlBinary, all...).CombinedOutput()
		return string(out), err
	}
	if err := os.WriteFile(filepath.Join(dir, "kubeconfig"), kubeconfig, 0o600); err != nil {
		return err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.WebSocketRoutes, &definition); err != nil {
		return err
	}
	var err error
	if installed, err = kubectl("apply", "-k", "../../config/default"); err != nil {
		return fmt.Errorf("kubectl apply -k config/default: %w\n%s", err, installed)
	}
	wait := envtest.CRDInstallOptions{MaxTime: time.Minute, PollInterval: 50 * time.Millisecond}
	if err := envtest.WaitForCRDs(restConfig, []*apiextensionsv1.CustomResourceDefinition{&definition}, wait); err != nil {
		return fmt.Errorf("the CRD is not served: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme.Scheme); err != nil {
		return err
	}
	api, err = client.New(restConfig, client.Options{})
	return err
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "test/api:", err)
	return 1
}

// deadline bounds what one test may ask of the API server.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// manifest reads one YAML document as kubectl would send it: no field is dropped on the way.
func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatalf("not YAML: %v\n%s", err, text)
	}
	return object
}

// create stores an object and deletes it when the test ends.
func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := api.Create(deadline(t), object, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
		t.Fatalf("create %s: %v", object.GetName(), err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := client.IgnoreNotFound(api.Delete(ctx, object)); err != nil {
			t.Errorf("delete %s: %v", object.GetName(), err)
		}
	})
}
