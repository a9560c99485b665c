package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pipeline must not fail for what is only good to know, and must fail for what is refused.
func TestCheckFailsForWhatIsWrongAlone(t *testing.T) {
	for annotations, want := range map[string]struct {
		fails bool
		says  string
	}{
		`{nginx.ingress.kubernetes.io/proxy-read-timeout: "3600s"}`: {false, "GOOD TO KNOW"},
		`{nginx.ingress.kubernetes.io/enable-websockets: "true"}`:   {false, "never existed"},
		`{nginx.ingress.kubernetes.io/proxy-read-timeout: soon}`:    {true, "PROBLEMS"},
		`{nginx.ingress.kubernetes.io/ssl-passthrough: "true"}`:     {true, "PROBLEMS"},
	} {
		file := filepath.Join(t.TempDir(), "manifests.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(checked, "ANNOTATIONS", annotations)), 0o600); err != nil {
			t.Fatal(err)
		}
		root := newRoot("fairlead", func(string) (string, bool) { return "", false })
		var out strings.Builder
		root.SetOut(&out)
		root.SetArgs([]string{"check", "-f", file, "--ingress-class", "nginx"})
		if err := root.ExecuteContext(t.Context()); (err != nil) != want.fails || !strings.Contains(out.String(), want.says) {
			t.Errorf("%s: %v\n%s", annotations, err, out.String())
		}
	}
}

const checked = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: chat, namespace: prod, annotations: ANNOTATIONS}
spec:
  ingressClassName: nginx
  defaultBackend: {service: {name: chat, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: prod}
spec: {ports: [{port: 80}]}
`
