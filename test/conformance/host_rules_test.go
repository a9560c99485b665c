package conformance

import "testing"

const hostRules = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: hosts}
spec:
  ingressClassName: fairlead
  rules:
  - host: "*.wild.hosts.test"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: wildcard, port: {number: 80}}}}]}
  - host: foo.hosts.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: foo, port: {name: http}}}}]}
  - host: precise.wild.hosts.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: precise, port: {number: 80}}}}]}
`

func TestHostRules(t *testing.T) {
	w := given(t, "wildcard", "foo", "precise")
	w.apply(hostRules)
	w.served("hosts")
	w.visits(
		visit{"http://foo.hosts.test/", "foo"},
		visit{"http://foo.hosts.test:8080/socket", "foo"}, // ports count for nothing
		visit{"http://FOO.hosts.test/", "foo"},
		visit{"http://one.wild.hosts.test/socket", "wildcard"},
		visit{"http://precise.wild.hosts.test/socket", "precise"},
		visit{"http://two.labels.wild.hosts.test/", "404"}, // a wildcard is one label
		visit{"http://wild.hosts.test/", "404"},            // and not none
		visit{"http://other.hosts.test/socket", "404"},
	)
}
