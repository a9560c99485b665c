package controllers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// A line of a password file that nobody can check is found by the code that would check it, and its
// owner is told all the same.
func TestTheOwnerOfABrokenPasswordFileIsTold(t *testing.T) {
	manifests := filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(manifests, []byte(brokenPasswords), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := snapshot.NewFiles(manifests)
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Check(files, translate.Options{})
	for _, p := range problems {
		if p.Object == "Ingress prod/chat" && p.Document == 2 && strings.Contains(p.Message, "ann") {
			return
		}
	}
	t.Errorf("the owner is told %v", problems)
}

const brokenPasswords = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  namespace: prod
  annotations: {nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users}
spec:
  ingressClassName: fairlead
  defaultBackend: {service: {name: chat, port: {number: 80}}}
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: prod}
stringData: {auth: "ann:$9$nobody$knows"}
---
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: prod}
spec: {ports: [{port: 80}]}
`
