package chart_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	corev1 "k8s.io/api/core/v1"
)

// home is the namespace of a release where a test has no reason for another one.
const home = "fairlead-system"

// tryHelm runs helm against the control plane and returns what it prints, and as the error what it complains of.
func tryHelm(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, os.Getenv(helmVariable), args...)
	state := filepath.Join(filepath.Dir(os.Getenv(fairleadVariable)), "helm") // goes with the programs of the test
	cmd.Env = append(os.Environ(), "KUBECONFIG="+plane.Kubeconfig,
		"HELM_CACHE_HOME="+state, "HELM_CONFIG_HOME="+state, "HELM_DATA_HOME="+state)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	if said := stderr.String(); said != "" {
		return stdout.String(), fmt.Errorf("helm %s warns: %s", strings.Join(args, " "), said)
	}
	return stdout.String(), nil
}

// helm is tryHelm for what must work.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryHelm(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// render returns the objects of a release "fairlead" in namespace home, those of its test included.
func render(t *testing.T, args ...string) []*unstructured.Unstructured {
	t.Helper()
	return parse(t, helm(t, append([]string{"template", "fairlead", chart, "--namespace", home}, args...)...))
}

// parse reads YAML documents, and refuses keys that are there twice.
func parse(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		object := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.UnmarshalStrict(document, &object.Object)
		}
		if err != nil {
			t.Fatalf("not YAML: %v\n%s", err, document)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// convert reads an object as a Go type.
func convert[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	var typed T
	if object == nil {
		t.Fatalf("there is no %T", typed)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return &typed
}

// describe names an object for messages.
func describe(object client.Object) string {
	return fmt.Sprintf("%s %s/%s", object.GetObjectKind().GroupVersionKind().Kind, object.GetNamespace(), object.GetName())
}

// makeNamespace makes a namespace whose Pod Security level is enforced and warned of: restricted, baseline or privileged.
func makeNamespace(t *testing.T, name, level string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": level,
		"pod-security.kubernetes.io/warn":    level,
	}}}
	err := plane.Client.Create(t.Context(), namespace)
	if apierrors.IsAlreadyExists(err) {
		err = plane.Client.Update(t.Context(), namespace)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// strict is a client that asks the API server to refuse unknown and doubled fields, and keeps its warnings.
type strict struct {
	client.Client
	mu       sync.Mutex
	warnings []string
}

func newStrict(t *testing.T) *strict {
	t.Helper()
	s := &strict{}
	config := rest.CopyConfig(plane.Config)
	config.WarningHandler = s
	api, err := client.New(config, client.Options{Scheme: plane.Client.Scheme(), Mapper: plane.Client.RESTMapper()})
	if err != nil {
		t.Fatal(err)
	}
	s.Client = client.WithFieldValidation(api, metav1.FieldValidationStrict)
	return s
}

// HandleWarningHeader keeps a warning.
func (s *strict) HandleWarningHeader(_ int, _, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warnings = append(s.warnings, text)
}

// tryOut sends an object as `kubectl apply --server-side --dry-run=server --validate=strict` does. A warning is an error.
func (s *strict) tryOut(ctx context.Context, object *unstructured.Unstructured) error {
	s.warnings = nil
	err := s.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner("test"), client.ForceOwnership, client.DryRunAll)
	if err == nil && len(s.warnings) > 0 {
		err = fmt.Errorf("the API server warns: %s", strings.Join(s.warnings, "; "))
	}
	return err
}
