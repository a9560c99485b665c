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

	// Matches besides the path.
	{"a header with a space", rule(`matches: [{headers: [{name: "X Tenant", value: acme}]}]`),
		"spec.rules[0].matches[0].headers[0].name", "the name of a header has letters, digits and - _ . ! # $ % & * + ^ | ~ only"},
	{"a header to be compared with nothing", rule(`matches: [{headers: [{name: X-Tenant}]}]`),
		"spec.rules[0].matches[0].headers[0]", "value is required for Exact and RegularExpression, and must be left out for Present"},
	{"a present header with a value", rule(`matches: [{headers: [{name: X-Tenant, type: Present, value: acme}]}]`),
		"spec.rules[0].matches[0].headers[0]", "value is required for Exact and RegularExpression, and must be left out for Present"},
	{"a header's expression that doesn't end", rule(`matches: [{headers: [{name: X-Tenant, type: RegularExpression, value: "acme["}]}]`),
		"spec.rules[0].matches[0].headers[0]", "the value must be a regular expression in RE2 syntax: no look-around, no back-references"},
	{"a header twice", rule(`matches: [{headers: [{name: X-Tenant, value: a}, {name: X-Tenant, value: b}]}]`),
		"spec.rules[0].matches[0].headers[1]", "Duplicate value"},
	{"a comparison that isn't one", rule(`matches: [{headers: [{name: X-Tenant, type: Prefix, value: acme}]}]`),
		"spec.rules[0].matches[0].headers[0].type", `supported values: "Exact", "RegularExpression", "Present"`},
	{"a query parameter without name", rule(`matches: [{queryParams: [{value: "2"}]}]`),
		"spec.rules[0].matches[0].queryParams[0].name", "Required value"},
	{"a query parameter to be compared with nothing", rule(`matches: [{queryParams: [{name: v, type: RegularExpression}]}]`),
		"spec.rules[0].matches[0].queryParams[0]", "value is required for Exact and RegularExpression, and must be left out for Present"},
	{"a query parameter's expression with look-behind", rule(`matches: [{queryParams: [{name: v, type: RegularExpression, value: "(?<=x)1"}]}]`),
		"spec.rules[0].matches[0].queryParams[0]", "the value must be a regular expression in RE2 syntax: no look-around, no back-references"},
	{"a query parameter that is a number", rule(`matches: [{queryParams: [{name: v, value: 2}]}]`),
		"spec.rules[0].matches[0].queryParams[0].value", "must be of type string"},
	{"a list as subprotocol", rule(`matches: [{subprotocols: ["mqtt, v2.mqtt"]}]`),
		"spec.rules[0].matches[0].subprotocols[0]", "must be a subprotocol's name: letters, digits and - _ . ! # $ % & * + ^ | ~ only"},
	{"a subprotocol twice", rule(`matches: [{subprotocols: [mqtt, mqtt]}]`),
		"spec.rules[0].matches[0].subprotocols[1]", "Duplicate value"},
	{"no condition in a list of some", rule(`matches: [{headers: []}]`),
		"spec.rules[0].matches[0].headers", "should have at least 1 items"},

	// What lies elsewhere.
	{"a namespace that can't be", `{rules: [{backends: [{name: chat, namespace: Team A, port: 80}]}]}`,
		"spec.rules[0].backends[0].namespace", "must be the name of a namespace: lower-case letters, digits and -"},
	{"a certificate's namespace that can't be", with(`hosts: [a.example.com], tls: [{secretName: s, namespace: certs.example}]`),
		"spec.tls[0].namespace", "must be the name of a namespace: lower-case letters, digits and -"},
	{"a version of TLS that is broken", with(`hosts: [a.example.com], tls: [{secretName: s, minVersion: "1.0"}]`),
		"spec.tls[0].minVersion", `supported values: "1.2", "1.3"`},
	{"a version of TLS as nginx writes it", with(`hosts: [a.example.com], tls: [{secretName: s, minVersion: TLSv1.3}]`),
		"spec.tls[0].minVersion", `supported values: "1.2", "1.3"`},

	// Who may come in.
	{"an origin without scheme", policy(`access: {origins: [app.example.com]}`),
		"spec.policy.access.origins[0]", "must be an origin such as https://app.example.com or https://*.example.com:8443: lower case, no path"},
	{"an origin with a path", policy(`access: {origins: ["https://app.example.com/"]}`),
		"spec.policy.access.origins[0]", "must be an origin such as https://app.example.com"},
	{"an origin with a wildcard in the middle", policy(`access: {origins: ["https://app.*.example.com"]}`),
		"spec.policy.access.origins[0]", "must be an origin such as https://app.example.com"},
	{"no origin in the list", policy(`access: {origins: []}`),
		"spec.policy.access.origins", "should have at least 1 items"},
	{"a network that is a name", policy(`access: {allowCIDRs: [office]}`),
		"spec.policy.access.allowCIDRs[0]", "must be a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address"},
	{"a network that is a range", policy(`access: {denyCIDRs: [10.0.0.0/8, 192.0.2.1-192.0.2.9]}`),
		"spec.policy.access.denyCIDRs[1]", "must be a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address"},
	{"a network twice", policy(`access: {denyCIDRs: [10.0.0.0/8, 10.0.0.0/8]}`),
		"spec.policy.access.denyCIDRs[1]", "Duplicate value"},
	{"a password for nobody", policy(`access: {basicAuth: {realm: Chat}}`),
		"spec.policy.access.basicAuth.secretName", "Required value"},
	{"users in a file", policy(`access: {basicAuth: {secretName: /etc/htpasswd}}`),
		"spec.policy.access.basicAuth.secretName", "must be the name of a Secret: lower-case letters, digits, - and ."},
	{"an authentication service without scheme", policy(`access: {externalAuth: {url: "auth.example.com/check"}}`),
		"spec.policy.access.externalAuth.url", "must be a URL that begins with http:// or https://"},
	{"an authentication service with a space", policy(`access: {externalAuth: {url: "https://auth.example.com/a b"}}`),
		"spec.policy.access.externalAuth.url", "a URL has no spaces: percent-encode them"},
	{"an authentication service in whole numbers", policy(`access: {externalAuth: {url: "https://auth.example.com", timeout: "5"}}`),
		"spec.policy.access.externalAuth.timeout", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"},
	{"a cache without key", policy(`access: {externalAuth: {url: "https://auth.example.com", cache: {duration: 5m}}}`),
		"spec.policy.access.externalAuth.cache.key", "Required value"},
	{"an answer's header that is none", policy(`access: {externalAuth: {url: "https://auth.example.com", responseHeaders: ["X-User:"]}}`),
		"spec.policy.access.externalAuth.responseHeaders[0]", "the name of a header has letters, digits"},

	// Limits, retries, headers and TLS to endpoints.
	{"a limit below nothing", policy(`limits: {sessions: -1}`),
		"spec.policy.limits.sessions", "should be greater than or equal to 0"},
	{"a burst of thousands", policy(`limits: {handshakesPerSecond: 10, burst: 1001}`),
		"spec.policy.limits.burst", "should be less than or equal to 1000"},
	{"a limit that is a word", policy(`limits: {handshakesPerSecondPerClient: five}`),
		"spec.policy.limits.handshakesPerSecondPerClient", "must be of type integer"},
	{"an exempt client that is a name", policy(`limits: {sessionsPerClient: 5, exemptCIDRs: [localhost]}`),
		"spec.policy.limits.exemptCIDRs[0]", "must be a network such as 10.0.0.0/8"},
	{"no attempt at all", policy(`retries: {attempts: 0}`),
		"spec.policy.retries.attempts", "should be greater than or equal to 1"},
	{"attempts without end", policy(`retries: {attempts: 17}`),
		"spec.policy.retries.attempts", "should be less than or equal to 16"},
	{"a header of the handshake", policy(`headers: {request: {set: [{name: Sec-WebSocket-Key, value: x}]}}`),
		"spec.policy.headers.request.set[0].name", "the header belongs to the protocol and can't be changed: Connection, Content-Length, Host,"},
	{"an Upgrade that is added", policy(`headers: {request: {add: [{name: upgrade, value: websocket}]}}`),
		"spec.policy.headers.request.add[0].name", "the header belongs to the protocol and can't be changed"},
	{"a Connection that is removed", policy(`headers: {response: {remove: [X-A, Connection]}}`),
		"spec.policy.headers.response.remove", "the header belongs to the protocol and can't be changed"},
	{"a header set twice", policy(`headers: {response: {set: [{name: X-A, value: a}, {name: X-A, value: b}]}}`),
		"spec.policy.headers.response.set[1]", "Duplicate value"},
	{"a header in another alphabet", policy(`headers: {response: {set: [{name: X-A, value: "ä"}]}}`),
		"spec.policy.headers.response.set[0].value", "must have visible ASCII characters and spaces between them only"},
	{"a header with a line break", policy(`headers: {response: {set: [{name: X-A, value: "a\r\nX-B: b"}]}}`),
		"spec.policy.headers.response.set[0].value", "must have visible ASCII characters and spaces between them only"},
	{"a header without its value", policy(`headers: {response: {set: [{name: X-A}]}}`),
		"spec.policy.headers.response.set[0].value", "Required value"},
	{"TLS to endpoints that is on", policy(`backendTLS: {mode: "On"}`),
		"spec.policy.backendTLS.mode", `supported values: "Disable", "Verify", "SkipVerify"`},
	{"authorities that nobody asks", policy(`backendTLS: {mode: SkipVerify, caSecretName: ca}`),
		"spec.policy.backendTLS", "caSecretName is for mode Verify only: set the mode, or remove it"},
	{"authorities without a mode", policy(`backendTLS: {caSecretName: ca}`),
		"spec.policy.backendTLS", "caSecretName is for mode Verify only: set the mode, or remove it"},
	{"a certificate without TLS", policy(`backendTLS: {mode: Disable, clientCertSecretName: client}`),
		"spec.policy.backendTLS", "without TLS no certificate is shown: set another mode, or remove clientCertSecretName"},
	{"a server name with a port", policy(`backendTLS: {mode: Verify, serverName: "chat:443"}`),
		"spec.policy.backendTLS.serverName", "must be a lower-case DNS name such as chat.internal, without port and wildcard"},
	{"a Secret in a namespace by a slash", policy(`backendTLS: {mode: Verify, caSecretName: certs/ca}`),
		"spec.policy.backendTLS.caSecretName", "must be the name of a Secret: lower-case letters, digits, - and ."},
	{"ws:// that is forbidden", policy(`insecureWebSocket: Forbid`),
		"spec.policy.insecureWebSocket", `supported values: "Serve", "Refuse", "Redirect"`},
	{"weights of what there was", policy(`balance: {share: OldSessions}`),
		"spec.policy.balance.share", `supported values: "NewSessions", "LiveSessions"`},

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
	{"a rule's authorities without a mode", rule(`policy: {backendTLS: {caSecretName: ca}}`),
		"spec.rules", "backendTLS caSecretName is for mode Verify only: set the mode, in the rule's policy or in the route's, or remove it"},
	{"a rule's authorities below another mode",
		`{rules: [{backends: [{name: chat, port: 1}], policy: {backendTLS: {caSecretName: ca}}}], policy: {backendTLS: {mode: SkipVerify}}}`,
		"spec.rules", "backendTLS caSecretName is for mode Verify only"},
	{"a rule's limit below nothing", rule(`policy: {limits: {sessionsPerClient: -5}}`),
		"spec.rules[0].policy.limits.sessionsPerClient", "should be greater than or equal to 0"},
	{"a rule's origin that is a host", rule(`policy: {access: {origins: ["*.example.com"]}}`),
		"spec.rules[0].policy.access.origins[0]", "must be an origin such as https://app.example.com"},
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
