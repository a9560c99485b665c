package api_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var refused = []struct {
	story string
	spec  string
	field string // where the message points to
	says  string
}{
	// Hosts and certificates.
	{"a host in capitals", with(`hosts: [Chat.example.com]`),
		"spec.hosts[0]", "must be a lower-case DNS name such as chat.example.com"},
	{"a host with a port", with(`hosts: ["chat.example.com:8080"]`),
		"spec.hosts[0]", "no port, no scheme, no other wildcard"},
	{"a host that is a URL", with(`hosts: ["wss://chat.example.com"]`),
		"spec.hosts[0]", "must be a lower-case DNS name"},
	{"a wildcard in the middle", with(`hosts: [chat.*.example.com]`),
		"spec.hosts[0]", "or *. and such a name"},
	{"a wildcard alone", with(`hosts: ["*"]`),
		"spec.hosts[0]", "or *. and such a name"},
	{"an IP address as host", with(`hosts: [a.example.com, 192.0.2.1]`),
		"spec.hosts[1]", "must be a DNS name, not an IP address: leave hosts out to serve any host"},
	{"a host twice", with(`hosts: [a.example.com, a.example.com]`),
		"spec.hosts[1]", "Duplicate value"},
	{"no host in the list", with(`hosts: []`),
		"spec.hosts", "should have at least 1 items"},
	{"a certificate for a host of someone else", with(`hosts: [a.example.com], tls: [{secretName: s, hosts: [b.example.com]}]`),
		"spec.tls", "tls hosts must be among spec.hosts: add the name there, or remove it from tls"},
	{"a certificate for nothing", with(`tls: [{secretName: s}]`),
		"spec.tls", "a route for any host (no spec.hosts) must name the hosts of each tls entry"},
	{"a certificate without a Secret", with(`hosts: [a.example.com], tls: [{}]}`),
		"spec.tls[0].secretName", "Required value"},
	{"a Secret of another namespace", with(`hosts: [a.example.com], tls: [{secretName: other/s}]}`),
		"spec.tls[0].secretName", "must be the name of a Secret"},
	{"a class that can't be", with(`ingressClassName: Fair Lead`),
		"spec.ingressClassName", "must be the name of an IngressClass"},

	// Rules, matches and rewrites.
	{"no rules", `hosts: [a.example.com]`, "spec.rules", "Required value"},
	{"an empty list of rules", `rules: []`, "spec.rules", "should have at least 1 items"},
	{"two rules of one name", `rules: [{name: a, backends: [{name: x, port: 1}]}, {name: a, backends: [{name: z, port: 1}]}]`,
		"spec.rules", "rule names must be unique in a route"},
	{"a rule name with a slash", rule(`name: a/b`),
		"spec.rules[0].name", "must be a DNS label"},
	{"a prefix without slash", rule(`matches: [{path: {value: chat}}]`),
		"spec.rules[0].matches[0].path.value", "the value of an Exact or Prefix path must start with /"},
	{"an exact path without slash", rule(`matches: [{path: {value: /}}, {path: {type: Exact, value: chat}}]`),
		"spec.rules[0].matches[1].path.value", "the value of an Exact or Prefix path must start with /"},
	{"a path with a query", rule(`matches: [{path: {value: "/chat?v=2"}}]`),
		"spec.rules[0].matches[0].path.value", "a path has no query and no fragment"},
	{"a path without value", rule(`matches: [{path: {type: Exact}}]`),
		"spec.rules[0].matches[0].path.value", "Required value"},
	{"a path type that Ingress has", rule(`matches: [{path: {type: ImplementationSpecific, value: /}}]`),
		"spec.rules[0].matches[0].path.type", `supported values: "Exact", "Prefix", "RegularExpression"`},
	{"an expression with an open parenthesis", rule(`matches: [{path: {type: RegularExpression, value: "/room/("}}]`),
		"spec.rules[0].matches[0].path", "the value must be a regular expression in RE2 syntax"},
	{"an expression with look-ahead", rule(`matches: [{path: {type: RegularExpression, value: "/(?!admin)"}}]`),
		"spec.rules[0].matches[0].path", "the value must be a regular expression in RE2 syntax"},
	{"a relative rewrite", rule(`rewrite: {path: chat}`),
		"spec.rules[0].rewrite.path", "must start with /"},
	{"a rewrite with a query", rule(`rewrite: {path: "/chat?v=2"}`),
		"spec.rules[0].rewrite.path", "a path has no query and no fragment"},
	{"a rewrite to a URL", rule(`rewrite: {host: "http://chat"}`),
		"spec.rules[0].rewrite.host", "must be a lower-case DNS name such as chat.internal"},

	// Backends.
	{"a rule without backends", `rules: [{name: a}]`, "spec.rules[0].backends", "Required value"},
	{"an empty list of backends", `rules: [{backends: []}]`, "spec.rules[0].backends", "should have at least 1 items"},
	{"port 0", `rules: [{backends: [{name: chat, port: 0}]}]`,
		"spec.rules[0].backends[0].port", "a port number must be 1 to 65535"},
	{"a port above 65535", `rules: [{backends: [{name: chat, port: 65536}]}]`,
		"spec.rules[0].backends[0].port", "a port number must be 1 to 65535"},
	{"a port name in capitals", `rules: [{backends: [{name: chat, port: WS}]}]`,
		"spec.rules[0].backends[0].port", "should match '^[a-z0-9]"},
	{"a backend without port", `rules: [{backends: [{name: chat}]}]`,
		"spec.rules[0].backends[0].port", "Required value"},
	{"a Service of another namespace", `rules: [{backends: [{name: other/chat, port: 80}]}]`,
		"spec.rules[0].backends[0].name", "must be the name of a Service"},
	{"a negative weight", `rules: [{backends: [{name: chat, port: 80, weight: -1}]}]`,
		"spec.rules[0].backends[0].weight", "should be greater than or equal to 0"},
	{"a weight above a million", `rules: [{backends: [{name: chat, port: 80, weight: 1000001}]}]`,
		"spec.rules[0].backends[0].weight", "should be less than or equal to 1000000"},

	// Policy.
	{"a protocol that isn't one", policy(`protocols: [websocket]`),
		"spec.policy.protocols[0]", `supported values: "WebSocket", "HTTP"`},
	{"no protocol at all", policy(`protocols: []`),
		"spec.policy.protocols", "should have at least 1 items"},
	{"a duration without unit", policy(`timeouts: {idle: "60"}`),
		"spec.policy.timeouts.idle", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},
	{"a duration in days", policy(`timeouts: {maxAge: 1d}`),
		"spec.policy.timeouts.maxAge", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},
	{"a duration that is a number", policy(`timeouts: {connect: 5}`),
		"spec.policy.timeouts.connect", "must be of type string"},
	{"a negative duration", policy(`timeouts: {stall: -5s}`),
		"spec.policy.timeouts.stall", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},
	{"jitter above 100 percent", policy(`timeouts: {maxAge: 1h, maxAgeJitter: 101}`),
		"spec.policy.timeouts.maxAgeJitter", "should be less than or equal to 100"},
	{"a keepalive that floods", policy(`keepalive: {interval: 999ms}`),
		"spec.policy.keepalive.interval", "must be 1s or more, or 0s for no Pings"},
	{"a keepalive interval without unit", policy(`keepalive: {interval: "30"}`),
		"spec.policy.keepalive.interval", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},
	{"no time for a Pong", policy(`keepalive: {interval: 30s, timeout: 99ms}`),
		"spec.policy.keepalive.timeout", "must be 100ms or more, or 0s to wait for no answer"},
	{"Pings to a side that isn't one", policy(`keepalive: {interval: 30s, peers: Endpoint}`),
		"spec.policy.keepalive.peers", `supported values: "Both", "Client", "Backend"`},
	{"a wait for the answer to no Ping", policy(`keepalive: {timeout: 5s}`),
		"spec.policy.keepalive", "keepalive timeout and peers have no effect without an interval, which is off by default: set it, such as 30s"},
	{"peers of no Ping", policy(`keepalive: {peers: Client}`),
		"spec.policy.keepalive", "have no effect without an interval"},
	{"an algorithm of nginx", policy(`balance: {algorithm: ip_hash}`),
		"spec.policy.balance.algorithm", `supported values: "RoundRobin", "LeastSessions", "ConsistentHash"`},
	{"a hash of nothing", policy(`balance: {algorithm: ConsistentHash}`),
		"spec.policy.balance", "ConsistentHash needs hashOn"},
	{"a hash key without ConsistentHash", policy(`balance: {algorithm: LeastSessions, hashOn: [{type: SourceIP}]}`),
		"spec.policy.balance", "hashOn is for algorithm ConsistentHash only"},
	{"a hash key without algorithm", policy(`balance: {hashOn: [{type: SourceIP}]}`),
		"spec.policy.balance", "hashOn is for algorithm ConsistentHash only"},
	{"a hash of a nameless cookie", policy(`balance: {algorithm: ConsistentHash, hashOn: [{type: Cookie}]}`),
		"spec.policy.balance.hashOn[0]", "name is required for Header, Cookie and QueryParam"},
	{"a hash of a named address", policy(`balance: {algorithm: ConsistentHash, hashOn: [{type: SourceIP, name: x}]}`),
		"spec.policy.balance.hashOn[0]", "must be left out for SourceIP"},
	{"a header with a colon", policy(`balance: {algorithm: ConsistentHash, hashOn: [{type: Header, name: "X-User:"}]}`),
		"spec.policy.balance.hashOn[0].name", "the name of a header or cookie has letters, digits"},
	{"a cookie name with a space", policy(`balance: {stickyCookie: {name: my cookie}}`),
		"spec.policy.balance.stickyCookie.name", "the name of a cookie has letters, digits"},
	{"a cookie path that ends the attribute", policy(`balance: {stickyCookie: {path: "/; Domain=example.com"}}`),
		"spec.policy.balance.stickyCookie.path", "must start with / and have no space"},
	{"a SameSite that isn't one", policy(`balance: {stickyCookie: {sameSite: lax}}`),
		"spec.policy.balance.stickyCookie.sameSite", `supported values: "Lax", "Strict", "None"`},
	{"a cookie mode that isn't one", policy(`balance: {stickyCookie: {mode: Sticky}}`),
		"spec.policy.balance.stickyCookie.mode", `supported values: "Persistent", "Balanced"`},
	{"a close code that is never sent", policy(`drain: {closeCode: 1006}`),
		"spec.policy.drain.closeCode", "must be a close code that may be sent"},
	{"a close code for TLS failures", policy(`drain: {closeCode: 1015}`),
		"spec.policy.drain.closeCode", "or 3000 to 4999 (RFC 6455 section 7.4)"},
	{"a close code of no one", policy(`drain: {closeCode: 2000}`),
		"spec.policy.drain.closeCode", "must be a close code that may be sent"},
	{"closes spread over more than there is", policy(`drain: {deadline: 30s, spread: 1m}`),
		"spec.policy.drain", "spread must not be longer than deadline"},
	{"a spread that can't be read", policy(`drain: {deadline: 30s, spread: "5"}`),
		"spec.policy.drain.spread", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},

	// A rule's policy stands over the route's: what counts is what is in force there.
	{"a rule hashes what no one named", rule(`policy: {balance: {algorithm: ConsistentHash}}`),
		"spec.rules", "ConsistentHash needs hashOn, in the rule's policy or in the route's"},
	{"a rule's hash key without the algorithm", rule(`policy: {balance: {hashOn: [{type: SourceIP}]}}`),
		"spec.rules", "hashOn is for algorithm ConsistentHash only"},
	{"a rule hashes a key by another algorithm", rule(`policy: {balance: {algorithm: RoundRobin, hashOn: [{type: SourceIP}]}}`),
		"spec.rules[0].policy.balance", "hashOn is for algorithm ConsistentHash only"},
	{"a rule waits for the answer to no Ping", rule(`policy: {keepalive: {timeout: 5s}}`),
		"spec.rules", "without an interval, which is off by default: set it in the rule's policy or in the route's"},
	{"a rule's keepalive that floods", rule(`policy: {keepalive: {interval: 1ms}}`),
		"spec.rules[0].policy.keepalive.interval", "must be 1s or more, or 0s for no Pings"},
	{"a rule spreads closes over more than the route has",
		`{rules: [{backends: [{name: chat, port: 1}], policy: {drain: {spread: 1m}}}], policy: {drain: {deadline: 20s}}}`,
		"spec.rules", "spread must not be longer than deadline"},
}

// with adds fields to a spec that nothing is wrong with.
func with(fields string) string {
	return "{rules: [{backends: [{name: chat, port: 8080}]}], " + fields + "}"
}

// rule is a spec whose only rule has these fields, and a good backend.
func rule(fields string) string {
	return "{rules: [{backends: [{name: chat, port: 8080}], " + fields + "}]}"
}

// policy is a spec that nothing is wrong with but, perhaps, this policy.
func policy(fields string) string { return with("policy: {" + fields + "}") }

// TestWhatCannotWorkIsRefusedAndExplained applies objects with one mistake each. The user must
// read one message: at the right field, saying what is right.
func TestWhatCannotWorkIsRefusedAndExplained(t *testing.T) {
	for _, c := range refused {
		t.Run(c.story, func(t *testing.T) {
			err := apply(t, c.spec)
			if err == nil {
				t.Fatal("the object was taken")
			}
			var status *apierrors.StatusError
			if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonInvalid {
				t.Fatalf("not refused as Invalid: %v", err)
			}
			causes := mistakes(status.Status().Details.Causes)
			if len(causes) != 1 {
				t.Fatalf("one mistake, %d messages: %v", len(causes), err)
			}
			if causes[0].Field != c.field || !strings.Contains(causes[0].Message, c.says) {
				t.Errorf("at %s: %s\nwant at %s: %s", causes[0].Field, causes[0].Message, c.field, c.says)
			}
		})
	}
}

// apply asks the API server to judge a route of this spec, storing nothing.
func apply(t *testing.T, spec string) error {
	t.Helper()
	route := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "fairlead.dev/v1alpha1",
		"kind":       "WebSocketRoute",
		"metadata":   map[string]any{"name": "chat", "namespace": "default"},
		"spec":       manifest(t, spec).Object,
	}}
	return api.Create(deadline(t), route, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
}

// mistakes leaves out what the API server adds when the schema fails before CEL rules can run.
func mistakes(causes []metav1.StatusCause) []metav1.StatusCause {
	return slices.DeleteFunc(causes, func(c metav1.StatusCause) bool {
		return strings.Contains(c.Message, "some validation rules were not checked")
	})
}
