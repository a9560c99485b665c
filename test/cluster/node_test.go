package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/chat"
	"github.com/fairlead/fairlead/test/cluster"
)

// eventually polls until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// endpoint is what an EndpointSlice says of one pod, on one line.
func endpoints(t *testing.T, c *cluster.Cluster) (lines []string, address map[string]string) {
	t.Helper()
	var list discoveryv1.EndpointSliceList
	err := c.Client.List(t.Context(), &list, client.InNamespace("default"), client.MatchingLabels{discoveryv1.LabelServiceName: "chat"})
	if err != nil {
		t.Fatal(err)
	}
	address = make(map[string]string)
	for _, slice := range list.Items {
		for _, one := range slice.Endpoints {
			if len(slice.Ports) != 1 || one.TargetRef == nil {
				t.Fatalf("unexpected slice %+v", slice)
			}
			is := one.Conditions
			lines = append(lines, fmt.Sprintf("ready=%t serving=%t terminating=%t", *is.Ready, *is.Serving, *is.Terminating))
			address[one.TargetRef.Name] = fmt.Sprintf("%s:%d", one.Addresses[0], *slice.Ports[0].Port)
		}
	}
	slices.Sort(lines)
	return lines, address
}

func wantEndpoints(t *testing.T, c *cluster.Cluster, want ...string) map[string]string {
	t.Helper()
	var address map[string]string
	eventually(t, func() error {
		var lines []string
		if lines, address = endpoints(t, c); !slices.Equal(lines, want) {
			return fmt.Errorf("endpoints:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
	return address
}

func deploy(t *testing.T, c *cluster.Cluster, replicas int32) {
	t.Helper()
	labels := map[string]string{"app": "chat"}
	grace := int64(30)
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: &grace,
					Containers: []corev1.Container{{
						Name: "chat", Image: "chat",
						Ports:     []corev1.ContainerPort{{Name: "ws", ContainerPort: 8080}},
						Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 25}}},
					}},
				},
			},
		},
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: "default"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("ws")}}},
	}
	for _, object := range []client.Object{deployment, service} {
		if err := c.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

func dial(t *testing.T, pod, address string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/socket?mode=echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var hello chat.Hello
	if err := conn.ReadJSON(&hello); err != nil || hello.Pod != pod || hello.Address != address {
		t.Fatalf("%s at %s greets with %+v, %v", pod, address, hello, err)
	}
	return conn
}

const (
	ready  = "ready=true serving=true terminating=false"
	absent = "ready=false serving=false terminating=false"
	last   = "ready=false serving=true terminating=true"
)

func TestPodsLiveTheLifeOfPods(t *testing.T) {
	c := start(t, cluster.Options{})
	node, err := c.StartNode(t.Context(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Stop)
	begin := time.Now()
	deploy(t, c, 2)
	address := wantEndpoints(t, c, ready, ready)
	t.Logf("two pods ready after %s", time.Since(begin))
	sockets := make(map[string]*websocket.Conn)
	for pod, at := range address {
		sockets[pod] = dial(t, pod, at)
	}

	names := slices.Sorted(func(yield func(string) bool) {
		for pod := range address {
			if !yield(pod) {
				return
			}
		}
	})
	unready := names[0]
	if err := node.SetReady("default", unready, false); err != nil {
		t.Fatal(err)
	}
	wantEndpoints(t, c, absent, ready)
	if err := node.SetReady("default", unready, true); err != nil {
		t.Fatal(err)
	}
	wantEndpoints(t, c, ready, ready)

	if _, err := c.Kubectl(t.Context(), "scale", "deployment/chat", "--replicas=1"); err != nil {
		t.Fatal(err)
	}
	wantEndpoints(t, c, last, ready)
	for pod, socket := range sockets { // during the preStop sleep both still echo
		if err := socket.WriteMessage(websocket.TextMessage, []byte("still there?")); err != nil {
			t.Fatal(err)
		}
		if _, data, err := socket.ReadMessage(); err != nil || string(data) != "still there?" {
			t.Fatalf("%s: %q, %v", pod, data, err)
		}
	}
	for _, pod := range names {
		if err := node.Finish("default", pod); err != nil {
			t.Fatal(err)
		}
	}
	remaining := leaveOne(t, c, sockets)

	if err := node.Kill("default", remaining); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sockets[remaining].ReadMessage(); err == nil || websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("a killed pod said goodbye: %v", err)
	}
	eventually(t, func() error { // the Deployment replaces it
		lines, address := endpoints(t, c)
		if address[remaining] != "" || !slices.Equal(lines, []string{ready}) {
			return fmt.Errorf("endpoints %v at %v", lines, address)
		}
		return nil
	})
}

// leaveOne waits until one pod is left, checks that the other said goodbye, and returns the name of the one.
func leaveOne(t *testing.T, c *cluster.Cluster, sockets map[string]*websocket.Conn) string {
	t.Helper()
	address := wantEndpoints(t, c, ready)
	remaining := ""
	for pod, socket := range sockets {
		if address[pod] != "" {
			remaining = pod
			continue
		}
		if _, _, err := socket.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("%s left with %v, want Close 1001", pod, err)
		}
	}
	eventually(t, func() error {
		out, err := c.Kubectl(t.Context(), "get", "pods", "--no-headers")
		if err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "1/1") {
			return fmt.Errorf("pods:\n%s%w", out, err)
		}
		return nil
	})
	return remaining
}
