package api_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// TestEveryFieldComesBackAsItWasWritten stores a route in which no field is left out.
func TestEveryFieldComesBackAsItWasWritten(t *testing.T) {
	written := &v1alpha1.WebSocketRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "complete"},
		Spec:       completeSpec(),
	}
	assertNoFieldUnset(t, "spec", reflect.ValueOf(written.Spec))
	create(t, written.DeepCopy())

	var read v1alpha1.WebSocketRoute
	if err := api.Get(deadline(t), client.ObjectKeyFromObject(written), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written.Spec, read.Spec); diff != "" {
		t.Errorf("written (-) and read (+) differ:\n%s", diff)
	}
	if read.Generation != 1 {
		t.Errorf("generation %d, want 1", read.Generation)
	}
}

// TestTheSmallestRouteGetsItsDefaults: a Service and a port are enough. Policy stays as it was
// written, so that a rule's policy can tell what the route sets.
func TestTheSmallestRouteGetsItsDefaults(t *testing.T) {
	create(t, manifest(t, `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: small, namespace: default}
spec:
  rules:
  - matches: [{path: {value: /chat}}, {}]
    backends: [{name: chat, port: ws}]
  policy: {timeouts: {}, keepalive: {}, balance: {stickyCookie: {}}, drain: {}}
`))
	var read v1alpha1.WebSocketRoute
	if err := api.Get(deadline(t), client.ObjectKey{Namespace: "default", Name: "small"}, &read); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.WebSocketRouteSpec{
		Rules: []v1alpha1.Rule{{
			Matches: []v1alpha1.Match{
				{Path: &v1alpha1.PathMatch{Type: v1alpha1.PathPrefix, Value: "/chat"}},
				{},
			},
			Backends: []v1alpha1.Backend{{Name: "chat", Port: intstr.FromString("ws"), Weight: new(int32(1))}},
		}},
		Policy: &v1alpha1.Policy{
			Timeouts:  &v1alpha1.Timeouts{},
			Keepalive: &v1alpha1.Keepalive{},
			Balance:   &v1alpha1.Balance{StickyCookie: &v1alpha1.StickyCookie{}},
			Drain:     &v1alpha1.Drain{},
		},
	}
	if diff := cmp.Diff(want, read.Spec); diff != "" {
		t.Errorf("want (-) and read (+) differ:\n%s", diff)
	}
}

// TestWhatMayLookWrongIsTaken: neighbours of the refused objects that users need.
func TestWhatMayLookWrongIsTaken(t *testing.T) {
	for story, spec := range map[string]string{
		"a host without dots":                     with(`hosts: [localhost, "*.localhost"]`),
		"a host that only begins like an address": with(`hosts: [192.0.2.1.example.com]`),
		"a certificate that names its own hosts":  with(`tls: [{secretName: s, hosts: ["*.example.com"]}]`),
		"a certificate for all hosts":             with(`hosts: [a.example.com], tls: [{secretName: s.example}]`),
		"unnamed rules":                           `{rules: [{backends: [{name: a, port: 1}]}, {backends: [{name: b, port: 65535}]}]}`,
		"a route out of service":                  `{rules: [{backends: [{name: a, port: 1, weight: 0}]}]}`,
		"an expression without slash":             rule(`matches: [{path: {type: RegularExpression, value: ".*[.]ws$"}}]`),
		"an empty host in a rewrite":              rule(`rewrite: {path: /, host: ""}`),
		"all that is off":                         policy(`timeouts: {connect: 0s, handshake: 0s, idle: 0s, stall: 0s, maxAge: 0s, maxAgeJitter: 0, close: 0s}, drain: {deadline: 0s, spread: 0s}`),
		"no deadline and a spread":                policy(`drain: {deadline: 0s, spread: 5s}`),
		"equal spread and deadline":               policy(`drain: {deadline: 1m, spread: 60s}`),
		"the shortest keepalive":                  policy(`keepalive: {interval: 1s, timeout: 100ms}`),
		"the same second in milliseconds":         policy(`keepalive: {interval: 1000ms, peers: Backend}`),
		"Pings that nobody need answer":           policy(`keepalive: {interval: 30s, timeout: 0s}`),
		"a keepalive that is off, with its rest":  policy(`keepalive: {interval: 0s, timeout: 5s, peers: Client}`),
		"a rule that pings the backend alone":     `{rules: [{backends: [{name: a, port: 1}], policy: {keepalive: {peers: Backend}}}], policy: {keepalive: {interval: 30s}}}`,
		"a timeout for the one rule that pings":   `{rules: [{backends: [{name: a, port: 1}]}, {backends: [{name: a, port: 1}], policy: {keepalive: {interval: 30s}}}], policy: {keepalive: {timeout: 5s}}}`,
		"a private close code":                    policy(`drain: {closeCode: 4999}`),
		"a rule with the route's hash key":        `{rules: [{backends: [{name: a, port: 1}], policy: {balance: {algorithm: ConsistentHash}}}], policy: {balance: {algorithm: ConsistentHash, hashOn: [{type: SourceIP}]}}}`,
		"a rule with the route's algorithm":       `{rules: [{backends: [{name: a, port: 1}], policy: {balance: {hashOn: [{type: QueryParam, name: "user[id]"}]}}}], policy: {balance: {algorithm: ConsistentHash, hashOn: [{type: SourceIP}]}}}`,
		"a rule that hashes nothing after all":    `{rules: [{backends: [{name: a, port: 1}], policy: {balance: {algorithm: RoundRobin}}}], policy: {balance: {algorithm: ConsistentHash, hashOn: [{type: SourceIP}]}}}`,
		"a header with an underscore":             rule(`matches: [{headers: [{name: x_tenant, type: Present}]}]`),
		"a match of everything at once":           rule(`matches: [{path: {value: /a}, headers: [{name: A, value: b}], queryParams: [{name: "user[id]", type: RegularExpression, value: "[0-9]+"}], subprotocols: [mqtt, v2.mqtt]}]`),
		"a Service elsewhere":                     `{rules: [{backends: [{name: chat, namespace: chat, port: 80}]}]}`,
		"a certificate from elsewhere":            with(`hosts: [a.example.com], tls: [{secretName: s, namespace: certificates, minVersion: "1.2"}]`),
		"an origin of an app, not of a page":      policy(`access: {origins: ["capacitor://localhost", "http://[::1]:3000", "https://*.example.com"]}`),
		"single addresses as networks":            policy(`access: {allowCIDRs: [192.0.2.1, "2001:db8::1"], denyCIDRs: [0.0.0.0/0, "::/0"]}`),
		"limits that are off":                     policy(`limits: {sessions: 0, sessionsPerClient: 0, handshakesPerSecond: 0, burst: 0}`),
		"a header without value":                  policy(`headers: {request: {set: [{name: X-Empty, value: ""}]}}`),
		"authorities for the rule that verifies":  `{rules: [{backends: [{name: a, port: 1}], policy: {backendTLS: {mode: Verify}}}], policy: {backendTLS: {caSecretName: ca}}}`,
		"a rule's own authorities":                `{rules: [{backends: [{name: a, port: 1}], policy: {backendTLS: {caSecretName: ca}}}], policy: {backendTLS: {mode: Verify}}}`,
		"verification by the system's roots":      policy(`backendTLS: {mode: Verify}`),
	} {
		t.Run(story, func(t *testing.T) {
			if err := apply(t, spec); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheLargestRouteFitsTheCostLimit: rules over lists have a budget in the API server, so the
// largest object that the bounds allow must pass them all in good time.
func TestTheLargestRouteFitsTheCostLimit(t *testing.T) {
	spec := completeSpec()
	rule := spec.Rules[0]
	rule.Name = ""
	rule.Matches = repeat(16, rule.Matches[0])
	rule.Backends = repeat(16, rule.Backends[0])
	spec.Rules = repeat(64, rule)
	route := &v1alpha1.WebSocketRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "large"},
		Spec:       spec,
	}
	begin := time.Now()
	if err := api.Create(deadline(t), route, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	t.Logf("judged in %v", time.Since(begin))
}

func repeat[T any](n int, value T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = value
	}
	return list
}

func completeSpec() v1alpha1.WebSocketRouteSpec {
	return v1alpha1.WebSocketRouteSpec{
		IngressClassName: new("fairlead"),
		Hosts:            []v1alpha1.Hostname{"chat.example.com", "*.chat.example.com"},
		TLS: []v1alpha1.TLS{{
			Hosts: []v1alpha1.Hostname{"chat.example.com"}, SecretName: "chat-tls", Namespace: "certificates", MinVersion: "1.3",
		}},
		Rules: []v1alpha1.Rule{{
			Name: "main",
			Matches: []v1alpha1.Match{{
				Path:         &v1alpha1.PathMatch{Type: v1alpha1.PathRegularExpression, Value: "/room/([0-9]+)"},
				Headers:      []v1alpha1.HeaderMatch{{Name: "X-Tenant", Type: v1alpha1.FieldRegularExpression, Value: "acme-[a-z]+"}},
				QueryParams:  []v1alpha1.QueryParamMatch{{Name: "v", Type: v1alpha1.FieldExact, Value: "2"}},
				Subprotocols: []v1alpha1.Subprotocol{"graphql-transport-ws"},
			}},
			Rewrite: &v1alpha1.Rewrite{Path: "/r/$1", Host: "chat.internal"},
			Backends: []v1alpha1.Backend{
				{Name: "chat", Namespace: "chat", Port: intstr.FromInt32(8080), Weight: new(int32(9))},
			},
			Policy: completePolicy(),
		}},
		Policy: completePolicy(),
	}
}

func completePolicy() *v1alpha1.Policy {
	return &v1alpha1.Policy{
		Protocols: []v1alpha1.Protocol{v1alpha1.ProtocolWebSocket, v1alpha1.ProtocolHTTP},
		Timeouts: &v1alpha1.Timeouts{
			Connect: "2s", Handshake: "3s", Idle: "1h30m", Stall: "500ms",
			MaxAge: "12h", MaxAgeJitter: new(int32(0)), Close: "0s",
		},
		Keepalive: &v1alpha1.Keepalive{Interval: "30s", Timeout: "5s", Peers: v1alpha1.PeersClient},
		Balance: &v1alpha1.Balance{
			Algorithm: v1alpha1.ConsistentHash,
			HashOn:    []v1alpha1.HashOn{{Type: v1alpha1.HashOnCookie, Name: "uid"}},
			Share:     v1alpha1.ShareLiveSessions,
			StickyCookie: &v1alpha1.StickyCookie{
				Name: "__Host-chat", Path: "/chat", MaxAge: "24h",
				SameSite: v1alpha1.SameSiteNone, Mode: v1alpha1.StickyBalanced,
			},
		},
		Retries: &v1alpha1.Retries{Attempts: new(int32(2)), Timeout: "10s"},
		Limits: &v1alpha1.Limits{
			Sessions: new(int32(10000)), SessionsPerClient: new(int32(20)), HandshakesPerSecond: new(int32(500)),
			HandshakesPerSecondPerClient: new(int32(5)), Burst: new(int32(0)), ExemptCIDRs: []v1alpha1.CIDR{"10.0.0.0/8"},
		},
		Access:            completeAccess(),
		Headers:           &v1alpha1.Headers{Request: completeEdits(), Response: completeEdits()},
		BackendTLS:        &v1alpha1.BackendTLS{Mode: v1alpha1.BackendTLSVerify, ServerName: "chat.internal", CASecretName: "ca", ClientCertSecretName: "client"},
		InsecureWebSocket: v1alpha1.InsecureRefuse,
		Drain:             &v1alpha1.Drain{Deadline: "5m", Spread: "30s", CloseCode: new(int32(4001))},
	}
}

func completeAccess() *v1alpha1.Access {
	return &v1alpha1.Access{
		Origins:    []v1alpha1.Origin{"https://app.example.com", "https://*.example.com:8443"},
		AllowCIDRs: []v1alpha1.CIDR{"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"},
		DenyCIDRs:  []v1alpha1.CIDR{"10.1.0.0/16"},
		BasicAuth:  &v1alpha1.BasicAuth{SecretName: "users", Realm: "Chat"},
		ExternalAuth: &v1alpha1.ExternalAuth{
			URL: "https://auth.example.com/check?session=$cookie_session", Timeout: "2s",
			ResponseHeaders: []v1alpha1.HeaderName{"X-User"},
			Cache:           &v1alpha1.AuthCache{Key: "$cookie_session", Duration: "1m"},
		},
	}
}

func completeEdits() *v1alpha1.HeaderEdits {
	return &v1alpha1.HeaderEdits{
		Set:    []v1alpha1.Header{{Name: "X-Env", Value: "prod; tier=1"}},
		Add:    []v1alpha1.Header{{Name: "Via", Value: "fairlead"}},
		Remove: []v1alpha1.HeaderName{"X-Debug"},
	}
}

// assertNoFieldUnset keeps the complete object complete when fields are added.
func assertNoFieldUnset(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s is not set: add it to the complete object", path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.Elem().Kind() == reflect.Struct {
			assertNoFieldUnset(t, path, v.Elem())
		}
	case reflect.Slice:
		assertNoFieldUnset(t, path+"[0]", v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[intstr.IntOrString]() {
			return
		}
		for i := range v.NumField() {
			assertNoFieldUnset(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}
