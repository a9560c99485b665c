package controllers

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
)

// asInstalled makes the replicas of the tenant work with the rights that config/rbac gives.
func (n *tenant) asInstalled() {
	n.t.Helper()
	n.share(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "fairlead-system"}})
	for _, file := range []string{"role.yaml", "role_binding.yaml"} {
		content, err := os.ReadFile(filepath.Join("..", "config", "rbac", file))
		if err != nil {
			n.t.Fatal(err)
		}
		for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096); ; {
			var o unstructured.Unstructured
			if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				n.t.Fatal(err)
			}
			if len(o.Object) > 0 {
				n.share(&o)
			}
		}
	}
	n.config = rest.CopyConfig(n.Config)
	n.config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:fairlead-system:fairlead",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:fairlead-system", "system:authenticated"},
	}
}

// The rights that config/rbac gives to the ServiceAccount are enough for everything that a replica does.
func TestRightsSuffice(t *testing.T) {
	n := newTenant(t, "rights")
	n.asInstalled()
	installed := Options{PublishAddresses: []string{"192.0.2.1"}, TicketSecret: "fairlead-tickets", Lease: LeaseOptions{Namespace: "fairlead-system"}}
	secret := installed.ticketSecret()
	n.forgetTickets(secret) // of a run before

	n.service("chat")
	bad := n.ingress("web", "web.example.com", "chat")
	bad.Annotations = map[string]string{"fairlead.dev/idle-timeout": "a while"}
	n.create(bad, n.route("chat", "chat.example.com", "chat"))
	r := n.start(installed)
	n.conditions("chat", "Accepted=True/Accepted", "Programmed=True/Programmed", "ResolvedRefs=True/ResolvedRefs")
	n.hasAddresses("web", "192.0.2.1")
	n.tells("web", "Warning InvalidAnnotation")
	n.tells("web", "Normal Programmed")
	n.aTurnLater(secret)
	n.rotates(secret)
	if refused := r.log.count("forbidden"); refused > 0 {
		t.Errorf("%d requests were forbidden:\n%s", refused, r.log)
	}
}
