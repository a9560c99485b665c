package docs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamldocuments "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/test/docs"
)

// taken complains of manifests that the API server would not take.
func taken(t *testing.T, block docs.Block, manifests string) {
	t.Helper()
	for _, problem := range refusals(t, manifests) {
		t.Errorf("%s: %v", block.Place(), problem)
	}
}

// refusals has the API server try manifests without keeping them, and tells what is unknown, wrong or warned of.
func refusals(t *testing.T, manifests string) (problems []error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	config := rest.CopyConfig(plane.Config)
	warned := &warnings{}
	config.WarningHandlerWithContext = warned
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := objectsIn(manifests)
	if err != nil {
		return []error{err}
	}
	for _, object := range objects {
		if ns := object.GetNamespace(); ns != "" {
			home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
			if err := api.Create(ctx, home); err != nil && !apierrors.IsAlreadyExists(err) {
				t.Fatalf("namespace %s: %v", ns, err)
			}
		} else {
			object.SetNamespace("default") // counts for nothing where objects have none
		}
		err := api.Apply(ctx, client.ApplyConfigurationFromUnstructured(object),
			client.DryRunAll, client.ForceOwnership, client.FieldOwner("page"))
		if err != nil {
			problems = append(problems, fmt.Errorf("the API server would not take %s %s: %w", object.GetKind(), object.GetName(), err))
		}
	}
	return append(problems, warned.said...)
}

// objectsIn reads YAML documents.
func objectsIn(manifests string) (objects []*unstructured.Unstructured, err error) {
	documents := yamldocuments.NewYAMLReader(bufio.NewReader(strings.NewReader(manifests)))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		object := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.UnmarshalStrict(text, &object.Object)
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

func TestManifestsThatAreWrongAreNoticed(t *testing.T) {
	const metadata = "metadata: {name: a, namespace: b}\n"
	for manifest, complaint := range map[string]string{
		"apiVersion: v1\nkind: ConfigMap\n" + metadata + "data: {a: b}":                                           "",
		"apiVersion: v1\nkind: ConfigMap\n" + metadata + "date: {a: b}":                                           "field not declared in schema",
		"apiVersion: v1\nkind: ConfigMap\n" + metadata + "data: {a: 1, a: 2}":                                     "already set",
		"apiVersion: v1\nkind: ConfigMaps\n" + metadata:                                                           "no matches for kind",
		"apiVersion: fairlead.dev/v1alpha1\nkind: WebSocketRoute\n" + metadata + "spec: {hosts: [a.example.com]}": "spec.rules",
		"apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\n" + metadata + "spec: {selector: {}, ports: []}": "field not declared in schema",
		"apiVersion: v1\nkind: Endpoints\n" + metadata:                                                            "deprecated",
	} {
		problems := refusals(t, manifest)
		switch {
		case complaint == "" && len(problems) > 0:
			t.Errorf("%s\nis right, but: %v", manifest, problems)
		case complaint != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), complaint)):
			t.Errorf("%s\ngot %v, want one with %q", manifest, problems, complaint)
		}
	}
}

// warnings keeps what the API server warns of.
type warnings struct{ said []error }

// HandleWarningHeaderWithContext is called by the client, one request after the other.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, code int, _, text string) {
	if code == 299 && text != "" {
		w.said = append(w.said, fmt.Errorf("the API server warns: %s", text))
	}
}
