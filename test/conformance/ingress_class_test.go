package conformance

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const classes = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ours}
spec:
  ingressClassName: fairlead
  rules:
  - host: ours.class.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: theirs}
spec:
  ingressClassName: some-invalid-class-name
  rules:
  - host: theirs.class.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: nobodys}
spec:
  rules:
  - host: nobodys.class.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
`

func TestIngressClass(t *testing.T) {
	w := given(t, "app")
	w.apply(classes)
	w.served("ours")
	w.visits(
		visit{"http://ours.class.test/socket", "app"},
		visit{"http://theirs.class.test/socket", "404"},
		visit{"http://nobodys.class.test/socket", "404"}, // no class is the default one here
	)
	for _, name := range []string{"theirs", "nobodys"} {
		var i networkingv1.Ingress
		if err := plane.Client.Get(t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &i); err != nil {
			t.Fatal(err)
		}
		if got := i.Status.LoadBalancer.Ingress; len(got) > 0 {
			t.Errorf("the status of %s is touched: %v", name, got)
		}
	}
}
