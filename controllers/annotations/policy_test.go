package annotations

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// ofPolicy names the annotation for each field of a WebSocketRoute's policy.
var ofPolicy = map[string]string{
	"protocols":                           "protocols",
	"timeouts.connect":                    "connect-timeout",
	"timeouts.handshake":                  "handshake-timeout",
	"timeouts.idle":                       "idle-timeout",
	"timeouts.stall":                      "stall-timeout",
	"timeouts.maxAge":                     "max-age",
	"timeouts.maxAgeJitter":               "max-age-jitter",
	"timeouts.close":                      "close-timeout",
	"keepalive.interval":                  "keepalive-interval",
	"keepalive.timeout":                   "keepalive-timeout",
	"keepalive.peers":                     "keepalive-peers",
	"balance.algorithm":                   "balance",
	"balance.hashOn":                      "hash-on",
	"balance.share":                       "share",
	"balance.stickyCookie.name":           "sticky-cookie",
	"balance.stickyCookie.path":           "sticky-cookie-path",
	"balance.stickyCookie.maxAge":         "sticky-cookie-max-age",
	"balance.stickyCookie.sameSite":       "sticky-cookie-same-site",
	"balance.stickyCookie.mode":           "sticky-cookie-mode",
	"retries.attempts":                    "retries",
	"retries.timeout":                     "retry-timeout",
	"limits.sessions":                     "sessions",
	"limits.sessionsPerClient":            "sessions-per-client",
	"limits.handshakesPerSecond":          "handshakes-per-second",
	"limits.handshakesPerSecondPerClient": "handshakes-per-second-per-client",
	"limits.burst":                        "burst",
	"limits.exemptCIDRs":                  "exempt-cidrs",
	"access.origins":                      "origins",
	"access.allowCIDRs":                   "allow-cidrs",
	"access.denyCIDRs":                    "deny-cidrs",
	"access.basicAuth.secretName":         "basic-auth-secret",
	"access.basicAuth.realm":              "basic-auth-realm",
	"access.externalAuth.url":             "external-auth-url",
	"access.externalAuth.timeout":         "external-auth-timeout",
	"access.externalAuth.responseHeaders": "external-auth-response-headers",
	"access.externalAuth.cache.key":       "external-auth-cache-key",
	"access.externalAuth.cache.duration":  "external-auth-cache-duration",
	"headers.request.set":                 "request-headers-set",
	"headers.request.add":                 "request-headers-add",
	"headers.request.remove":              "request-headers-remove",
	"headers.response.set":                "response-headers-set",
	"headers.response.add":                "response-headers-add",
	"headers.response.remove":             "response-headers-remove",
	"backendTLS.mode":                     "backend-tls",
	"backendTLS.serverName":               "backend-tls-server-name",
	"backendTLS.caSecretName":             "backend-tls-ca-secret",
	"backendTLS.clientCertSecretName":     "backend-tls-client-cert-secret",
	"insecureWebSocket":                   "insecure-websocket",
	"drain.deadline":                      "drain-deadline",
	"drain.spread":                        "drain-spread",
	"drain.closeCode":                     "drain-close-code",
}

// What a WebSocketRoute can say of its sessions an Ingress can say by an annotation, so a new field of
// the policy needs a row.
func TestEveryFieldOfAPolicyHasAnAnnotation(t *testing.T) {
	fields := policyFields(reflect.TypeFor[v1alpha1.Policy](), "")
	for _, f := range fields {
		if _, found := position[OurPrefix+ofPolicy[f]]; !found {
			t.Errorf("policy.%s has no annotation: add a row, and name it in this test", f)
		}
	}
	if named := slices.Sorted(maps.Keys(ofPolicy)); !slices.Equal(named, fields) {
		t.Errorf("this test names %v\nthe policy has %v", named, fields)
	}
}

// policyFields returns the paths of all fields that hold a value, sorted.
func policyFields(of reflect.Type, below string) []string {
	var all []string
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			all = append(all, policyFields(inner, below+name+".")...)
		} else {
			all = append(all, below+name)
		}
	}
	slices.Sort(all)
	return all
}
