package cluster_test

import (
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead/fairlead/test/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.RunTests(m)) }

func start(t *testing.T, options cluster.Options) *cluster.Cluster {
	t.Helper()
	begin := time.Now()
	c, err := cluster.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		begin := time.Now()
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		t.Logf("control plane stopped in %s", time.Since(begin))
	})
	t.Logf("control plane started in %s, with %s", time.Since(begin), c.Network)
	return c
}

func TestDataOutlivesTheAPIServer(t *testing.T) {
	c := start(t, cluster.Options{WithoutControllers: true})
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept", Namespace: "default"}}
	if err := c.Client.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	watch, err := c.Client.Watch(t.Context(), &corev1.ConfigMapList{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	begin := time.Now()
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	t.Logf("API server stopped in %s", time.Since(begin))
	if err := c.Client.Create(t.Context(), made.DeepCopy()); err == nil {
		t.Fatal("a stopped API server answers")
	}
	begin = time.Now()
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("API server started again in %s", time.Since(begin))
	out, err := c.Kubectl(t.Context(), "get", "configmap", "kept", "-o", "name")
	if err != nil || out != "configmap/kept\n" {
		t.Errorf("kubectl said %q, %v", out, err)
	}
}
