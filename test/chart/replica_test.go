package chart_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/cluster"
)

// replica is a fairlead process in the place of a pod of a release: it has the pod's name, flags and variables, and the
// rights of its ServiceAccount. Only its addresses are others.
type replica struct {
	*cluster.Process
	https, admin string // addresses
}

// nodeName is the Node that replicas say they run on.
const nodeName = "edge-1"

// startReplica starts the process for a pod of the release whose objects are given, and waits until it is ready.
// The test's end stops it.
func startReplica(t *testing.T, objects []*unstructured.Unstructured) *replica {
	t.Helper()
	template := podOf(t, objects)
	deployment := kindOf(t, objects, "Deployment")
	account, err := plane.KubeconfigFor("system:serviceaccount:" + deployment.GetNamespace() + ":" + template.Spec.ServiceAccountName)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{https: freeAddress(t), admin: freeAddress(t)}
	container := template.Spec.Containers[0]
	cmd := exec.Command(os.Getenv(fairleadVariable), append(container.Args, // of flags that are there twice the last one counts
		"--kubeconfig", account, "--http-address", "", "--https-address", r.https, "--admin-address", r.admin,
		"--drain-delay", "0s", "--drain-spread", "0s", "--drain-timeout", "1s",
		"--leader-election-namespace", deployment.GetNamespace())...) // in a pod, the mounted token says it
	cmd.Env = append(os.Environ(), podVariables(t, container, anyPod(t, deployment.GetNamespace(), template.Labels))...)
	if r.Process, err = cluster.StartProcess("fairlead", filepath.Join(t.TempDir(), "log"), cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop(t)
		if t.Failed() {
			t.Logf("the end of fairlead's log:\n%s", cluster.Tail(r.Log, 15))
		}
	})
	eventually(t, "the replica is ready", func(context.Context) error {
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		answer, err := admins.Get("http://" + r.admin + "/readyz")
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			err = errors.New(answer.Status)
		}
		return errors.Join(err, answer.Body.Close())
	})
	return r
}

// admins asks admin addresses, and keeps no connection.
var admins = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// stop ends the process as a kubelet does. It may be called more than once.
func (r *replica) stop(t *testing.T) {
	t.Helper()
	if err := errors.Join(r.Stop(20*time.Second), r.Err()); err != nil {
		t.Error(err)
	}
}

// talk opens a WebSocket over TLS to a host, checks its certificate, and sends a word that must come back.
func (r *replica) talk(ctx context.Context, host string, trusted *tls.Config) error {
	trusted = trusted.Clone()
	trusted.ServerName = host
	dialer := &websocket.Dialer{
		TLSClientConfig:  trusted,
		HandshakeTimeout: 5 * time.Second,
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, r.https)
		},
	}
	socket, answer, err := dialer.DialContext(ctx, "wss://"+host+"/", nil)
	if err != nil {
		if answer != nil {
			err = fmt.Errorf("%w: %s", err, answer.Status)
		}
		return err
	}
	defer func() { _ = socket.Close() }() // the word is back, or not
	if err := socket.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		return err
	}
	_, word, err := socket.ReadMessage()
	if err == nil && string(word) != "hello" {
		err = fmt.Errorf("%q came back", word)
	}
	return err
}

// podVariables are what the downward API would put into the container's environment.
func podVariables(t *testing.T, container corev1.Container, pod *corev1.Pod) []string {
	t.Helper()
	fields := map[string]string{"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "spec.nodeName": nodeName}
	var variables []string
	for _, variable := range container.Env {
		value, known := variable.Value, true
		if variable.ValueFrom != nil {
			value, known = fields[variable.ValueFrom.FieldRef.FieldPath]
		}
		if !known {
			t.Fatalf("variable %s comes from a field that this test doesn't know", variable.Name)
		}
		variables = append(variables, variable.Name+"="+value)
	}
	return variables
}

// anyPod waits for one of the pods that the controllers make for a release.
func anyPod(t *testing.T, namespace string, labels map[string]string) *corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	eventually(t, "a pod exists", func(ctx context.Context) error {
		err := plane.Client.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels(labels))
		if err == nil && len(pods.Items) == 0 {
			err = errors.New("no pod")
		}
		return err
	})
	return &pods.Items[0]
}

// makeNode makes the Node that replicas say they run on.
func makeNode(t *testing.T) {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{corev1.LabelTopologyZone: "zone-1"}}}
	if err := plane.Client.Create(t.Context(), node); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// startEcho starts `fairlead echo` where an endpoint may be, and returns its address.
func startEcho(t *testing.T) netip.AddrPort {
	t.Helper()
	address := cluster.PodCIDR.Addr().Next().Next()
	if !plane.Network.Isolated {
		address = plane.Network.Address
	}
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(address, uint16(port))
	echo, err := cluster.StartProcess("echo", filepath.Join(t.TempDir(), "log"),
		exec.Command(os.Getenv(fairleadVariable), "echo", "--address="+at.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(echo.Stop(20*time.Second), echo.Err()); err != nil {
			t.Error(err)
		}
	})
	return at
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// patience is longer than anything takes here, on a busy machine too.
const patience = 30 * time.Second

// eventually polls until check returns nil, and fails the test when it does not within patience.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
