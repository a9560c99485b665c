package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const wild = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  namespace: prod
  annotations:
    kubernetes.io/ingress.class: nginx
    nginx.ingress.kubernetes.io/proxy-read-timeout: "3600s"
    nginx.ingress.kubernetes.io/mirror-target: https://elsewhere.example.com
spec:
  rules:
  - host: chat.example.com
    http: {paths: [{path: /socket, pathType: Prefix, backend: {service: {name: chat, port: {number: 80}}}}]}
`

// What kubectl prints is piped in, the report comes out, and so do routes where they are asked for.
func TestMigrateIngressTellsAndWrites(t *testing.T) {
	run := func(in string, args ...string) (out, told string, err error) {
		root := newRoot("fairlead", func(string) (string, bool) { return "", false })
		var o, e strings.Builder
		root.SetIn(strings.NewReader(in))
		root.SetOut(&o)
		root.SetErr(&e)
		root.SetArgs(append([]string{"migrate", "ingress"}, args...))
		err = root.ExecuteContext(t.Context())
		return o.String(), e.String(), err
	}
	out, _, err := run(wild, "-")
	if err != nil || !strings.Contains(out, "lost     nginx.ingress.kubernetes.io/mirror-target") || !strings.Contains(out, "1 that lose something") {
		t.Errorf("%v: %s", err, out)
	}
	if _, _, err := run(wild, "-", "--strict"); err == nil || !strings.Contains(err.Error(), "1 of the Ingresses lose something") {
		t.Errorf("strict: %v", err)
	}
	if _, _, err := run(wild, "-", "--from-class", "other"); err == nil || !strings.Contains(err.Error(), "no Ingress was found") {
		t.Errorf("another class: %v", err)
	}
	out, told, err := run(wild, "-", "--routes", "-")
	if err != nil || !strings.Contains(out, "kind: WebSocketRoute") || !strings.Contains(told, "Ingress prod/chat") {
		t.Errorf("%v: %s\n%s", err, out, told)
	}
	folder := filepath.Join(t.TempDir(), "routes")
	if _, _, err := run(wild, "-", "--routes", folder); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "prod-chat.yaml")); err != nil || !strings.Contains(string(text), "idle: 1h") {
		t.Errorf("%v: %s", err, text)
	}
	if _, told, err := run("nonsense: [", "-"); err == nil || !strings.HasPrefix(told, "stdin: document 1: not YAML") {
		t.Errorf("%v: %s", err, told)
	}
}
