package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.RunTests(m)) }

// The binary serves a real cluster. While it says goodbye it still takes changes; whoever does not
// want to wait sends a second signal.
func TestControllerServesAClusterToTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("needs an API server")
	}
	c, err := cluster.Start(t.Context(), cluster.Options{CRDs: []string{filepath.Join("..", "..", "config", "crd", "bases")}, WithoutControllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	at := backendFor(t, c)
	file := filepath.Join(t.TempDir(), "web.yaml")
	apply := func(host string) {
		t.Helper()
		write(t, file, manifests(host, at))
		if out, err := c.Kubectl(t.Context(), "apply", "-f", file); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}

	cmd := exec.CommandContext(t.Context(), binary(t), "controller", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0",
		"--admin-address=127.0.0.1:0", "--drain-delay=10m", "--publish-status-address=192.0.2.1")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	address, _ := logged(t, lines, "listening")["http"].(string)
	apply("a.example.com")
	until(t, address, "a.example.com", "hello")

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	logged(t, lines, "draining")
	apply("b.example.com")
	until(t, address, "b.example.com", "hello")

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(last, "second signal") {
		t.Errorf("ended with %v after %q", err, last)
	}
}

// backendFor starts a server on an address that an API server takes for an endpoint.
func backendFor(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	host := "10.244.9.8"
	if !c.Network.Isolated {
		host = c.Network.Address.String()
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: hello, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String()
}

// until asks for a host until the answer is as wanted.
func until(t *testing.T, address, host, want string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for got := ""; got != want; {
		if got = get(t, address, host); got != want && time.Now().After(deadline) {
			t.Fatalf("%s answers %q", host, got)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
