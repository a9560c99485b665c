package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary builds the program as it is shipped: static.
func binary(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fairlead")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", name, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

func manifests(host, address string) string {
	ip, port, _ := strings.Cut(address, ":")
	return `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: fairlead
  rules:
  - host: ` + host + `
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [` + ip + `]}]
ports: [{port: ` + port + `}]
`
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Someone starts the binary over a folder, changes a file, breaks it, and ends it with Ctrl-C.
func TestStandaloneServesAFolder(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer backend.Close()
	at := backend.Listener.Addr().String()
	file := filepath.Join(t.TempDir(), "web.yaml")
	write(t, file, manifests("a.example.com", at))

	cmd := exec.CommandContext(t.Context(), binary(t), "standalone", "--https-address=", "--log-format=json")
	cmd.Env = append(os.Environ(), "FAIRLEAD_MANIFESTS="+filepath.Dir(file), "FAIRLEAD_HTTP_ADDRESS=127.0.0.1:0", "FAIRLEAD_ADMIN_ADDRESS=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	http, _ := logged(t, lines, "listening")["http"].(string)
	logged(t, lines, "route table published")
	if got := get(t, http, "a.example.com"); got != "hello" {
		t.Fatalf("answered %q", got)
	}

	write(t, file, manifests("b.example.com", at))
	logged(t, lines, "route table published")
	if got := get(t, http, "b.example.com"); got != "hello" {
		t.Fatalf("answered %q after the change", got)
	}

	write(t, file, strings.Replace(manifests("c.example.com", at), "pathType: Prefix", "pathTyp: Prefix", 1))
	line := logged(t, lines, "mistake in a manifest")
	if line["problem"] != "unknown field" || line["field"] != "spec.rules[0].http.paths[0].pathTyp" || line["object"] != "Ingress web" || line["file"] != file || line["document"] != 2.0 {
		t.Errorf("the mistake is told as %v", line)
	}
	if got := get(t, http, "b.example.com"); got != "hello" {
		t.Fatalf("answered %q after the mistake", got)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, rest)
	}
}

// logged reads log lines until one has the message, and returns it.
func logged(t *testing.T, lines *bufio.Scanner, message string) map[string]any {
	t.Helper()
	var seen []string
	for lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("not a JSON line: %s", lines.Bytes())
		}
		if said, _ := line["msg"].(string); strings.HasPrefix(said, message) {
			return line
		}
		seen = append(seen, lines.Text())
	}
	t.Fatalf("%q was not logged, but:\n%s", message, strings.Join(seen, "\n"))
	return nil
}

func get(t *testing.T, address, host string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// run runs a command in this process.
func run(program string, args ...string) (string, error) {
	cmd := newRoot(program, func(string) (string, bool) { return "", false })
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.Execute()
	return out.String(), err
}

func TestCheckPrintsTheTableAndEveryProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	good := manifests("a.example.com", "127.0.0.1:1")
	write(t, file, good)
	out, err := run("fairlead", "check", "-f", file)
	if err != nil || !strings.Contains(out, "a.example.com") || strings.Contains(out, "PROBLEMS") {
		t.Errorf("%v\n%s", err, out)
	}

	write(t, file, strings.Replace(good, "service: {name: web", "service: {name: wib", 1))
	out, err = run("kubectl-fairlead", "check", "-f", file)
	if err == nil || !strings.Contains(out, "PROBLEMS\n"+file+": document 2: Ingress default/web: spec.rules[0].http.paths[0].backend.service") {
		t.Errorf("%v\n%s", err, out)
	}

	out, err = run("fairlead", "check", "-f", file, "-o", "json")
	var got struct {
		Routes, Problems []map[string]any
	}
	if err == nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Problems) != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}

// An empty table is no good news: a class was forgotten, or is another controller's.
func TestCheckOfNothingIsAProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	write(t, file, manifests("a.example.com", "127.0.0.1:1"))
	out, err := run("fairlead", "check", "-f", file, "--controller-name", "example.com/internal")
	if err == nil || !strings.Contains(out, "nothing is served: of 1 Ingresses and 0 WebSocketRoutes none is of an IngressClass whose controller is example.com/internal") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPluginCallsItselfByItsName(t *testing.T) {
	out, err := run("/usr/local/bin/kubectl-fairlead", "check", "--help")
	if err != nil || !strings.Contains(out, "kubectl fairlead check -f PATH") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestVersionIsTold(t *testing.T) {
	if out, err := run("fairlead", "version"); err != nil || !strings.HasPrefix(out, "fairlead ") || !strings.Contains(out, "go1.") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMissingFlagsAreAskedFor(t *testing.T) {
	for _, args := range [][]string{{"standalone"}, {"check"}} {
		if _, err := run("fairlead", args...); err == nil || !strings.Contains(err.Error(), "is needed") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
