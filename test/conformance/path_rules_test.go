package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// rule is a path of an Ingress; its Service is named after it.
type rule struct{ host, pathType, path, service string }

// ingressOf writes an Ingress with these rules, in their order.
func ingressOf(name string, rules ...rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s}\nspec:\n  ingressClassName: fairlead\n  rules:\n", name)
	for _, r := range rules {
		fmt.Fprintf(&b, "  - host: %s\n    http: {paths: [{path: %q, pathType: %s, backend: {service: {name: %s, port: {number: 80}}}}]}\n",
			r.host, r.path, r.pathType, r.service)
	}
	return b.String()
}

func TestPathRules(t *testing.T) {
	rules := []rule{
		{"exact.paths.test", "Exact", "/foo", "foo-exact"},
		{"exact.paths.test", "Exact", "/Foo/", "upper-exact"},
		{"prefix.paths.test", "Prefix", "/foo", "foo-prefix"},
		{"prefix.paths.test", "Prefix", "/aaa/bbb", "aaa-bbb-prefix"},
		{"prefix.paths.test", "Prefix", "/aaa", "aaa-prefix"},
		{"slash.paths.test", "Prefix", "/foo/", "foo-prefix"},
		{"mixed.paths.test", "Prefix", "/foo", "foo-prefix"},
		{"mixed.paths.test", "Exact", "/foo", "foo-exact"},
		{"any.paths.test", "Prefix", "/", "root-prefix"},
		{"any.paths.test", "ImplementationSpecific", "/own", "own"},
	}
	w := given(t, "foo-exact", "upper-exact", "foo-prefix", "aaa-bbb-prefix", "aaa-prefix", "root-prefix", "own")
	w.apply(ingressOf("paths", rules...))
	w.served("paths")
	w.visits(
		visit{"http://exact.paths.test/foo", "foo-exact"},
		visit{"http://exact.paths.test/foo?x=/bar", "foo-exact"},
		visit{"http://exact.paths.test/foo/", "404"},
		visit{"http://exact.paths.test/foo/bar", "404"},
		visit{"http://exact.paths.test/FOO", "404"}, // case counts
		visit{"http://exact.paths.test/Foo/", "upper-exact"},
		visit{"http://exact.paths.test/Foo", "404"},

		visit{"http://prefix.paths.test/foo", "foo-prefix"},
		visit{"http://prefix.paths.test/foo/", "foo-prefix"},
		visit{"http://prefix.paths.test/foo/socket", "foo-prefix"},
		visit{"http://prefix.paths.test/foobar", "404"}, // by elements, not by letters
		visit{"http://prefix.paths.test/FOO", "404"},
		visit{"http://prefix.paths.test/aaa/bbb/socket", "aaa-bbb-prefix"}, // the longest wins
		visit{"http://prefix.paths.test/aaa/bbb", "aaa-bbb-prefix"},
		visit{"http://prefix.paths.test/aaa/bbbc", "aaa-prefix"},
		visit{"http://prefix.paths.test/aaa/socket", "aaa-prefix"},
		visit{"http://prefix.paths.test/", "404"},

		visit{"http://slash.paths.test/foo", "foo-prefix"}, // a trailing slash of the rule counts for nothing
		visit{"http://slash.paths.test/foo/socket", "foo-prefix"},
		visit{"http://slash.paths.test/foobar", "404"},

		visit{"http://mixed.paths.test/foo", "foo-exact"}, // exact before prefix
		visit{"http://mixed.paths.test/foo/", "foo-prefix"},
		visit{"http://mixed.paths.test/foo/socket", "foo-prefix"},

		visit{"http://any.paths.test/", "root-prefix"},
		visit{"http://any.paths.test/whatever/socket", "root-prefix"},
		visit{"http://any.paths.test/own/socket", "own"},
	)
}
