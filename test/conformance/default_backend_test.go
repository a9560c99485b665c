package conformance

import "testing"

const withRules = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: with-rules}
spec:
  ingressClassName: fairlead
  defaultBackend: {service: {name: fallback, port: {number: 80}}}
  rules:
  - host: rules.default.test
    http: {paths: [{path: /app, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
`

const withoutRules = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: without-rules}
spec:
  ingressClassName: fairlead
  defaultBackend: {service: {name: catch-all, port: {name: http}}}
`

func TestDefaultBackend(t *testing.T) {
	w := given(t, "app", "fallback", "catch-all")
	w.apply(withRules)
	w.served("with-rules")
	w.visits(
		visit{"http://rules.default.test/app/socket", "app"},
		visit{"http://rules.default.test/application/socket", "fallback"},
		visit{"http://rules.default.test/", "fallback"},
		visit{"http://strange.default.test/", "404"},
	)
	w.apply(withoutRules)
	w.served("without-rules")
	w.visits(
		visit{"http://strange.default.test/", "catch-all"},
		visit{"http://strange.default.test/any/socket", "catch-all"},
		visit{"http://rules.default.test/app/socket", "app"},
		visit{"http://rules.default.test/", "fallback"},
	)
	if err := plane.Client.Delete(t.Context(), ingress(w.ns, "without-rules")); err != nil {
		t.Fatal(err)
	}
	w.visits(visit{"http://strange.default.test/", "404"})
}
