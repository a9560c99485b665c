package chart_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// lifeNamespace is where the release of TestLifeOfARelease lives.
const lifeNamespace = "life"

// TestLifeOfARelease installs, upgrades, rolls back and uninstalls: what changes is what was asked for, an older CRD becomes
// the new one, and in the end nothing is left but the CRD and the WebSocketRoutes.
func TestLifeOfARelease(t *testing.T) {
	withoutCRD(t)
	makeNamespace(t, lifeNamespace, "restricted")
	makeNode(t)
	before := everything(t)
	here := []string{"--namespace", lifeNamespace, "--set", "ingressClass.name=life,ingressClass.controllerValue=fairlead.dev/life"}

	helm(t, append([]string{"install", "fairlead", olderChart(t)}, here...)...)
	if columns(t) != 0 {
		t.Fatal("the older chart's CRD has columns; this test would see no upgrade")
	}
	helm(t, append([]string{"upgrade", "fairlead", chart}, here...)...)
	if columns(t) == 0 {
		t.Error("helm upgrade left the older CRD as it was")
	}
	installed := workload(t)

	helm(t, "upgrade", "fairlead", chart, "--namespace", lifeNamespace, "--reuse-values")
	if again := workload(t); again.Generation != installed.Generation {
		t.Errorf("an upgrade that changes nothing restarts replicas: generation %d after %d", again.Generation, installed.Generation)
	}

	helm(t, "upgrade", "fairlead", chart, "--namespace", lifeNamespace, "--reuse-values", "--set", "replicas=3,log.level=debug,podDisruptionBudget.maxUnavailable=2")
	if changed := workload(t); *changed.Spec.Replicas != 3 || !slices.Contains(changed.Spec.Template.Spec.Containers[0].Args, "--log-level=debug") {
		t.Errorf("values that changed are not there: %d replicas, %v", *changed.Spec.Replicas, changed.Spec.Template.Spec.Containers[0].Args)
	}

	helm(t, "rollback", "fairlead", "3", "--namespace", lifeNamespace)
	if difference := cmp.Diff(installed.Spec, workload(t).Spec); difference != "" {
		t.Errorf("rolled back, the Deployment is not what it was:\n%s", difference)
	}

	route := "apiVersion: fairlead.dev/v1alpha1\nkind: WebSocketRoute\nmetadata: {name: kept, namespace: default}\n" +
		"spec:\n  ingressClassName: life\n  hosts: [kept.test]\n  rules: [{name: main, backends: [{name: chat, port: 80}]}]\n"
	if err := plane.ApplyYAML(t.Context(), strings.NewReader(route)); err != nil {
		t.Fatal(err)
	}
	serveForAWhile(t)
	uninstall(t)
	eventually(t, "nothing is left but the CRD and the route", func(context.Context) error {
		left := slices.DeleteFunc(everything(t), func(name string) bool { return slices.Contains(before, name) })
		want := []string{"apiextensions.k8s.io/customresourcedefinitions /websocketroutes.fairlead.dev", "fairlead.dev/websocketroutes default/kept"}
		if !slices.Equal(left, want) {
			return fmt.Errorf("left: %q", left)
		}
		return nil
	})

	// The CRD that stayed is taken over by the next release of the same name.
	helm(t, append([]string{"install", "fairlead", chart}, here...)...)
	helm(t, "uninstall", "fairlead", "--namespace", lifeNamespace, "--no-hooks")
}

// TestTwoReleasesBesideEachOther: a second release is told at once what it would take away from the first.
func TestTwoReleasesBesideEachOther(t *testing.T) {
	withoutCRD(t)
	for _, namespace := range []string{"first", "second"} {
		makeNamespace(t, namespace, "restricted")
	}
	class := func(name string) string {
		return "ingressClass.name=" + name + ",ingressClass.controllerValue=fairlead.dev/" + name
	}
	helm(t, "install", "first", chart, "--namespace", "first", "--set", class("first"))
	for _, step := range []struct{ values, message string }{
		{class("second"), "--set crds.install=false"},
		{"crds.install=false," + class("first"), "ingressClass.name: the IngressClass first belongs to release first in namespace first"},
		{"crds.install=false,ingressClass.name=second,ingressClass.controllerValue=fairlead.dev/first", "ingressClass.controllerValue: fairlead.dev/first is that of the IngressClass first"},
		{"crds.install=false,fullnameOverride=first-fairlead," + class("second"), "ClusterRole first-fairlead belongs to release first in namespace first"},
	} {
		_, err := tryHelm(t.Context(), "install", "second", chart, "--namespace", "second", "--set", step.values)
		if err == nil || !strings.Contains(err.Error(), step.message) {
			t.Errorf("with %s: %v\nwant: %s", step.values, err, step.message)
		}
	}
	helm(t, "install", "second", chart, "--namespace", "second", "--set", "crds.install=false,"+class("second"))
	helm(t, "upgrade", "first", chart, "--namespace", "first", "--reuse-values") // which the second doesn't disturb

	for values, message := range map[string]string{
		"fullnameOverride=edge":                          "this release is named first-fairlead, and would be edge",
		"nameOverride=edge":                              "this release is named first-fairlead, and would be first-edge",
		"nameOverride=x,fullnameOverride=first-fairlead": "app.kubernetes.io/name=fairlead",
	} {
		if _, err := tryHelm(t.Context(), "upgrade", "first", chart, "--namespace", "first", "--reuse-values", "--set", values); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("upgraded with %s: %v\nwant: %s", values, err, message)
		}
	}

	if err := plane.Client.Get(t.Context(), client.ObjectKey{Namespace: "second", Name: "second-fairlead"}, &appsv1.Deployment{}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"first", "second"} {
		helm(t, "uninstall", name, "--namespace", name, "--no-hooks")
	}
}

// TestWhatReplicasLeftIsNoObstacle: replicas that outlive their release, as with rbac.create=false, write the Lease and the Secret
// anew. The next release leaves these as they are.
func TestWhatReplicasLeftIsNoObstacle(t *testing.T) {
	makeNamespace(t, "again", "restricted")
	left := "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: fairlead-leader, namespace: again}\n---\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: fairlead-tickets, namespace: again}\ntype: fairlead.dev/ticket-keys\nstringData: {key: kept}\n"
	if err := plane.ApplyYAML(t.Context(), strings.NewReader(left)); err != nil {
		t.Fatal(err)
	}
	values := "crds.install=false,ingressClass.name=again,ingressClass.controllerValue=fairlead.dev/again,rbac.create=false"
	for _, command := range []string{"install", "upgrade"} {
		helm(t, command, "fairlead", chart, "--namespace", "again", "--set", values)
	}
	helm(t, "uninstall", "fairlead", "--namespace", "again")
	secret := &corev1.Secret{}
	if err := plane.Client.Get(t.Context(), client.ObjectKey{Namespace: "again", Name: "fairlead-tickets"}, secret); err != nil || string(secret.Data["key"]) != "kept" {
		t.Errorf("the Secret: %v %q", err, secret.Data)
	}
}

// serveForAWhile runs a replica of the release until it leads, so that it writes all that replicas write.
func serveForAWhile(t *testing.T) {
	t.Helper()
	replica := startReplica(t, parse(t, helm(t, "get", "manifest", "fairlead", "--namespace", lifeNamespace)))
	eventually(t, "the replica writes status", func(ctx context.Context) error {
		out, err := plane.Kubectl(ctx, "get", "websocketroute", "kept", "--output", "jsonpath={.status.controllers}{.status.conditions}")
		if err == nil && out == "" {
			err = errors.New("no status")
		}
		return err
	})
	replica.stop(t)
}

// uninstall runs `helm uninstall`, and plays the kubelet for the pod of its hook: the container's program runs here, with
// the rights of the pod's ServiceAccount.
func uninstall(t *testing.T) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := tryHelm(t.Context(), "uninstall", "fairlead", "--namespace", lifeNamespace, "--wait")
		ended <- err
	}()
	pod := anyPod(t, lifeNamespace, map[string]string{"app.kubernetes.io/component": "uninstall"})
	account, err := plane.KubeconfigFor("system:serviceaccount:" + lifeNamespace + ":" + pod.Spec.ServiceAccountName)
	if err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(pod.Spec.Containers[0].Args), "--kubeconfig", account)
	out, err := exec.CommandContext(t.Context(), os.Getenv(fairleadVariable), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	pod.Status.Phase = corev1.PodSucceeded
	if err := plane.Client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// workload returns the Deployment of the release.
func workload(t *testing.T) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{}
	if err := plane.Client.Get(t.Context(), client.ObjectKey{Namespace: lifeNamespace, Name: "fairlead"}, deployment); err != nil {
		t.Fatal(err)
	}
	return deployment
}

// olderChart returns a copy of the chart whose CRD knows no columns for kubectl.
func olderChart(t *testing.T) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "fairlead")
	if err := os.CopyFS(copied, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, "files", "websocketroutes.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var definition map[string]any
	if err := yaml.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	for _, version := range definition["spec"].(map[string]any)["versions"].([]any) {
		delete(version.(map[string]any), "additionalPrinterColumns")
	}
	if text, err = yaml.Marshal(definition); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// columns returns how many columns the CRD in the cluster has for kubectl.
func columns(t *testing.T) int {
	t.Helper()
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := plane.Client.Get(t.Context(), client.ObjectKey{Name: "websocketroutes.fairlead.dev"}, definition); err != nil {
		t.Fatal(err)
	}
	return len(definition.Spec.Versions[0].AdditionalPrinterColumns)
}

// withoutCRD deletes the CRD that another test may have left, now and at the end: a release that installs it must find none.
func withoutCRD(t *testing.T) {
	t.Helper()
	remove := func() {
		if _, err := plane.Kubectl(context.WithoutCancel(t.Context()), "delete", "crd", "websocketroutes.fairlead.dev", "--ignore-not-found", "--wait"); err != nil {
			t.Error(err)
		}
	}
	remove()
	t.Cleanup(remove)
}

// ofThePlane are objects that the control plane makes by itself, sooner or later: "" stands for any name.
var ofThePlane = map[string]string{
	"events": "", "endpointslices": "", "apiservices": "", "clustertrustbundles": "",
	"configmaps": "kube-root-ca.crt", "serviceaccounts": "default",
}

// everything names all objects of all kinds that can be listed, but for those of the control plane.
func everything(t *testing.T) []string {
	t.Helper()
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(plane.Config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	objects := metadata.NewForConfigOrDie(plane.Config)
	var names []string
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			found, err := objects.Resource(version.WithResource(resource.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("%s: %v", resource.Name, err)
			}
			for _, object := range found.Items {
				if own, known := ofThePlane[resource.Name]; known && (own == "" || own == object.Name) {
					continue
				}
				names = append(names, strings.TrimPrefix(version.Group+"/"+resource.Name, "/")+" "+object.Namespace+"/"+object.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}
