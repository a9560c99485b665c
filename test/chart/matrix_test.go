package chart_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// needPrivileges are the entries of the matrix whose pods take ports or the network of a node, which neither
// "restricted" nor "baseline" allows.
var needPrivileges = []string{"daemonset-host-network", "daemonset-host-network-root", "daemonset-host-ports", "deployment-host-ports"}

// warnings are what an API server says of entries that ask for it.
var warnings = map[string]string{"external-addresses": "spec.externalIPs is deprecated"}

// TestEverybodyGetsWhatTheAPIServerTakes goes through testdata/values: values as various people have them, each installed.
func TestEverybodyGetsWhatTheAPIServerTakes(t *testing.T) {
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files in testdata/values: %v", len(files), err)
	}
	for _, namespace := range []string{home, "team-a", "team-b", "monitoring"} { // that entries name
		makeNamespace(t, namespace, "restricted")
	}
	flags := &flagsSeen{names: map[string]bool{}}
	t.Run("entries", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
				t.Parallel()
				flags.check(t, podOf(t, tryEntry(t, file)).Spec.Containers[0].Args)
			})
		}
	})
	flags.complete(t)
}

// tryEntry installs the chart with the values of a file, in a namespace of its own, so that all entries may be there at
// once. The class and who serves it are what no two of them can share. It returns the objects.
func tryEntry(t *testing.T, file string) []*unstructured.Unstructured {
	text, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(text, []byte("# ")) {
		t.Fatalf("%s has no comment that says who would use it: %v", file, err)
	}
	name := filepath.Base(strings.TrimSuffix(file, ".yaml"))
	level := "restricted"
	if slices.Contains(needPrivileges, name) {
		level = "privileged"
	}
	makeNamespace(t, name, level)
	objects := install(t, name, warnings[name], "--namespace", name, "--values", file, "--set", "crds.install=false,ingressClass.name="+name+",ingressClass.controllerValue=fairlead.dev/"+name)
	api := newStrict(t)
	for _, object := range objects {
		if err := api.tryOut(t.Context(), object); err != nil && !isExpected(err, warnings[name]) {
			t.Errorf("%s: %v", describe(object), err)
		}
	}
	checkNames(t, objects)
	checkPod(t, api, objects, level)
	return objects
}

// install installs a release called after name and returns its objects, those of its test included.
func install(t *testing.T, name, warning string, args ...string) []*unstructured.Unstructured {
	t.Helper()
	out, err := tryHelm(t.Context(), append([]string{"install", "fl-" + name, chart, "--output", "json"}, args...)...)
	if err != nil && !isExpected(err, warning) {
		t.Fatal(err)
	}
	var release struct {
		Manifest string
		Hooks    []struct{ Manifest string }
	}
	if err := json.Unmarshal([]byte(out), &release); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	objects := parse(t, release.Manifest)
	for _, hook := range release.Hooks {
		objects = append(objects, parse(t, hook.Manifest)...)
	}
	return objects
}

// isExpected reports whether err is the warning; there may be none.
func isExpected(err error, warning string) bool {
	return warning != "" && strings.Contains(err.Error(), warning)
}

// checkNames checks what an API server can't know: that the objects of a release find each other.
func checkNames(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	pod := podOf(t, objects)
	for _, object := range objects {
		for key, want := range map[string]string{"app.kubernetes.io/instance": pod.Labels["app.kubernetes.io/instance"], "app.kubernetes.io/managed-by": "Helm"} {
			if got := object.GetLabels()[key]; got != want {
				t.Errorf("%s has label %s=%q, want %q", describe(object), key, got, want)
			}
		}
		if object.GetKind() != "Service" || object.GetLabels()["app.kubernetes.io/component"] == "test" {
			continue
		}
		service := convert[corev1.Service](t, object)
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			t.Errorf("Service %s selects %v, and no pod has that: %v", service.Name, service.Spec.Selector, pod.Labels)
		}
		for _, port := range service.Spec.Ports {
			if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
				t.Errorf("Service %s leads to port %q, which the container doesn't have", service.Name, port.TargetPort.StrVal)
			}
		}
	}
}

// podOf returns the pod that the workload of a release makes.
func podOf(t *testing.T, objects []*unstructured.Unstructured) *corev1.PodTemplateSpec {
	t.Helper()
	for _, object := range objects {
		switch object.GetKind() {
		case "Deployment":
			return &convert[appsv1.Deployment](t, object).Spec.Template
		case "DaemonSet":
			return &convert[appsv1.DaemonSet](t, object).Spec.Template
		}
	}
	t.Fatal("there is neither a Deployment nor a DaemonSet")
	return nil
}

// checkPod creates, as a dry run, the pods of an installed release, that of its test included: everything that stands
// between a workload and its pods judges them, Pod Security among them.
func checkPod(t *testing.T, api *strict, objects []*unstructured.Unstructured, level string) {
	t.Helper()
	template := podOf(t, objects)
	pods := []*corev1.Pod{{ObjectMeta: template.ObjectMeta, Spec: template.Spec}}
	namespace := ""
	for _, object := range objects {
		switch object.GetKind() {
		case "Pod":
			pods = append(pods, convert[corev1.Pod](t, object))
		case "Job": // of a hook
			job := convert[batchv1.Job](t, object).Spec.Template
			job.Spec.ServiceAccountName = "" // which is there no sooner than the hook
			pods = append(pods, &corev1.Pod{ObjectMeta: job.ObjectMeta, Spec: job.Spec})
		case "Deployment", "DaemonSet":
			namespace = object.GetNamespace()
		}
	}
	for _, pod := range pods {
		pod.Name, pod.GenerateName, pod.Namespace = "", "try-", namespace
		if err := api.Create(t.Context(), pod, client.DryRunAll); err != nil {
			t.Errorf("no pod in a namespace that enforces %s: %v", level, err)
		}
		if level == "restricted" || pod.Labels["app.kubernetes.io/component"] != "controller" {
			continue
		}
		pod.Namespace = "team-a" // which enforces "restricted"
		pod.Spec.ServiceAccountName = ""
		if err := api.Create(t.Context(), pod, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
			t.Errorf("the table says that the pod needs privileges, and Pod Security says: %v", err)
		}
	}
}
