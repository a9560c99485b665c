package installed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kubectl runs kubectl as the cluster's administrator and returns what it prints. The test fails when it fails.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := kube.Kubectl(within(t, 3*time.Minute), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// helm runs helm likewise.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryHelm(within(t, 5*time.Minute), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryHelm(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(checkout, ".cache", "tools", "helm"), args...)
	cmd.Dir = checkout
	home := filepath.Join(workshop, "helm")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kube.Kubeconfig(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}

// within is a context that ends with the test, and at the latest after so long.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// host is the name under which the objects of a namespace are served.
func host(ns string) string { return ns + ".example.com" }

// namespace makes a namespace with Pod Security "restricted" for the length of a story. When the story fails, what there is to know
// about it is printed before the namespace goes.
func namespace(t *testing.T, name string) string {
	t.Helper()
	makeNamespace(t, name, "restricted")
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, name)
		}
		remove(t, "namespace", name)
	})
	return name
}

func makeNamespace(t *testing.T, name, security string) {
	t.Helper()
	kubectl(t, "delete", "namespace", name, "--ignore-not-found") // what another story has left may still be on its way out
	kubectl(t, "create", "namespace", name)
	kubectl(t, "label", "namespace", name, "pod-security.kubernetes.io/enforce="+security)
}

// remove deletes something at the end of a story, whose context is over by then.
func remove(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append([]string{"delete", "--ignore-not-found", "--wait=false"}, args...)
	if _, err := kube.Kubectl(ctx, args...); err != nil {
		t.Errorf("kubectl %s: %v", strings.Join(args, " "), err)
	}
}

// apply applies a file of manifests/ into a namespace, with the namespace's own host, and with pairs of texts replaced.
func apply(t *testing.T, ns, file string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("manifests", file))
	must(t, err)
	changed := string(text)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(changed, pairs[i]) {
			t.Fatalf("%s has no %q to replace", file, pairs[i])
		}
		changed = strings.ReplaceAll(changed, pairs[i], pairs[i+1])
	}
	changed = strings.ReplaceAll(changed, "chat.example.com", host(ns))
	path := filepath.Join(t.TempDir(), filepath.Base(file))
	must(t, os.WriteFile(path, []byte(changed), 0o600))
	kubectl(t, "apply", "--namespace", ns, "--filename", path)
}

// chat starts the chat application in a namespace: three pods and a Service.
func chat(t *testing.T, ns string, pairs ...string) {
	t.Helper()
	apply(t, ns, "chat.yaml", pairs...)
	rolledOut(t, ns, "deployment/chat")
}

// rolledOut waits until all pods of a Deployment or DaemonSet are the new ones, and ready.
func rolledOut(t *testing.T, ns, what string) {
	t.Helper()
	kubectl(t, "rollout", "status", "--namespace", ns, what, "--timeout=2m")
}

// names returns the names of objects, such as pods with a label.
func names(t *testing.T, ns, kind string, args ...string) []string {
	t.Helper()
	args = append([]string{"get", kind, "--namespace", ns, "--output", "jsonpath={.items[*].metadata.name}"}, args...)
	return strings.Fields(kubectl(t, args...))
}

// field returns a field of an object by its JSON path.
func field(t *testing.T, ns, object, path string) string {
	t.Helper()
	return kubectl(t, "get", object, "--namespace", ns, "--output", "jsonpath="+path)
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
		time.Sleep(100 * time.Millisecond)
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

// explain prints what there is to know about a namespace in which something failed.
func explain(t *testing.T, ns string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	look := func(args ...string) {
		args = append(args, "--namespace", ns)
		out, err := kube.Kubectl(ctx, args...)
		if err != nil {
			out = err.Error()
		}
		t.Logf("kubectl %s\n%s", strings.Join(args, " "), out)
	}
	look("get", "pods,services,endpointslices,ingresses", "--output", "wide")
	look("get", "events", "--sort-by", ".lastTimestamp")
	look("logs", "--selector", "app.kubernetes.io/name=fairlead", "--tail", "40", "--prefix")
	look("logs", "--selector", "app=chat", "--tail", "20", "--prefix")
}
