package api_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/config/crd"
	"github.com/fairlead/fairlead/proxy/model"
)

// TestKubectlExplainHasTextOnEveryField walks the schema: each field says what it does, optional
// fields of a spec say their default, and durations say how they are turned off.
func TestKubectlExplainHasTextOnEveryField(t *testing.T) {
	var fields int
	walk("", schemaOfRoute(t), func(path string, required bool, p apiextensionsv1.JSONSchemaProps) {
		fields++
		text := p.Description
		switch {
		case slices.Contains([]string{"apiVersion", "kind", "metadata"}, path):
			return // the same in every object; the API server explains them
		case len(text) < 20 || !strings.HasSuffix(strings.TrimSpace(text), "."):
			t.Errorf("%s: no sentence but %q", path, text)
		case strings.HasPrefix(path, "spec.") && !required && !strings.Contains(text, "Default"):
			t.Errorf("%s is optional and doesn't say its default: %s", path, text)
		case p.Pattern == durationPattern && !strings.Contains(text, `"0s"`):
			t.Errorf("%s is a duration and doesn't say what 0s means: %s", path, text)
		}
	})
	if fields < 60 {
		t.Errorf("the schema has %d fields only: the walk is broken", fields)
	}
}

// TestWrittenDefaultsAreTheOnesInForce compares the text of each policy field with the constant
// that the data plane uses when the field is unset.
func TestWrittenDefaultsAreTheOnesInForce(t *testing.T) {
	inForce := map[string]any{
		"protocols":                           "WebSocket alone",
		"timeouts.connect":                    model.DefaultConnect,
		"timeouts.handshake":                  model.DefaultHandshake,
		"timeouts.idle":                       model.DefaultIdle,
		"timeouts.stall":                      model.DefaultStall,
		"timeouts.maxAge":                     time.Duration(model.DefaultMaxAge),
		"timeouts.maxAgeJitter":               model.DefaultMaxAgeJitter,
		"timeouts.close":                      model.DefaultClose,
		"keepalive.interval":                  time.Duration(model.DefaultKeepaliveInterval),
		"keepalive.timeout":                   model.DefaultKeepaliveTimeout,
		"keepalive.peers":                     model.Peers(0),
		"balance.algorithm":                   model.Algorithm(0),
		"balance.hashOn":                      "none",
		"balance.hashOn[].name":               "none",
		"balance.stickyCookie":                "none",
		"balance.stickyCookie.name":           model.DefaultStickyName,
		"balance.stickyCookie.path":           model.DefaultStickyPath,
		"balance.stickyCookie.maxAge":         time.Duration(0),
		"balance.stickyCookie.sameSite":       v1alpha1.SameSiteLax,
		"balance.stickyCookie.mode":           model.StickyMode(0),
		"balance.share":                       v1alpha1.ShareNewSessions,
		"retries.attempts":                    model.DefaultConnectAttempts,
		"retries.timeout":                     time.Duration(0),
		"limits":                              "no bound",
		"limits.sessions":                     0,
		"limits.sessionsPerClient":            0,
		"limits.handshakesPerSecond":          0,
		"limits.handshakesPerSecondPerClient": 0,
		"limits.burst":                        5,
		"limits.exemptCIDRs":                  "none",
		"access":                              "everybody",
		"access.origins":                      "none",
		"access.allowCIDRs":                   "none",
		"access.denyCIDRs":                    "none",
		"access.basicAuth":                    "none is asked",
		"access.basicAuth.realm":              "Fairlead",
		"access.externalAuth":                 "none",
		"access.externalAuth.timeout":         model.DefaultExternalAuth,
		"access.externalAuth.responseHeaders": "none",
		"access.externalAuth.cache":           "not at all",
		"access.externalAuth.cache.duration":  5 * time.Minute,
		"headers":                             "none",
		"headers.request":                     "none",
		"headers.request.set":                 "none",
		"headers.request.add":                 "none",
		"headers.request.remove":              "none",
		"headers.response":                    "none",
		"headers.response.set":                "none",
		"headers.response.add":                "none",
		"headers.response.remove":             "none",
		"backendTLS":                          "by TLS where the appProtocol of the Service port says so (kubernetes",
		"backendTLS.mode":                     "by the appProtocol of the Service port",
		"backendTLS.serverName":               "the Host that the backend gets",
		"backendTLS.caSecretName":             "the authorities of the proxy's system",
		"backendTLS.clientCertSecretName":     "none",
		"insecureWebSocket":                   model.InsecureUpgrade(0),
		"drain.deadline":                      model.DefaultDrainDeadline,
		"drain.spread":                        model.DefaultDrainSpread,
		"drain.closeCode":                     model.DefaultDrainCloseCode,
	}
	said := regexp.MustCompile(`Default:\s+([^,;.]+)`)
	walk("", schemaOfRoute(t), func(path string, required bool, p apiextensionsv1.JSONSchemaProps) {
		field, ok := strings.CutPrefix(path, "spec.policy.")
		if !ok || required || slices.Contains([]string{"timeouts", "keepalive", "balance", "retries", "drain"}, field) {
			return
		}
		want, known := inForce[field]
		if !known {
			t.Errorf("%s: add the default that is in force to this test", path)
			return
		}
		got := said.FindStringSubmatch(p.Description)
		if got == nil {
			t.Errorf("%s says no default: %s", path, p.Description)
			return
		}
		got[1] = strings.Join(strings.Fields(got[1]), " ")
		if d, ok := want.(time.Duration); ok {
			if said, err := v1alpha1.Duration(got[1]).Parse(); err != nil || said != d {
				t.Errorf("%s says %s, in force is %v (%v)", path, got[1], d, err)
			}
		} else if got[1] != fmt.Sprint(want) {
			t.Errorf("%s says %s, in force is %v", path, got[1], want)
		}
	})
}

// TestTheSchemaTakesTheTimesThatTheDataPlaneTakes: the shortest keepalive is the same for both.
func TestTheSchemaTakesTheTimesThatTheDataPlaneTakes(t *testing.T) {
	for format, shortest := range map[string]time.Duration{
		"keepalive: {interval: %dms}":              model.MinKeepaliveInterval,
		"keepalive: {interval: 1m, timeout: %dms}": model.MinKeepaliveTimeout,
	} {
		if err := apply(t, policy(fmt.Sprintf(format, shortest.Milliseconds()))); err != nil {
			t.Errorf("the shortest time is refused: %v", err)
		}
		if err := apply(t, policy(fmt.Sprintf(format, shortest.Milliseconds()-1))); err == nil {
			t.Errorf(format+" is taken, and the data plane refuses it", shortest.Milliseconds()-1)
		}
	}
}

// TestPolicyHasNoSchemaDefault: a default there would hide what the route sets from its rules.
func TestPolicyHasNoSchemaDefault(t *testing.T) {
	walk("", schemaOfRoute(t), func(path string, _ bool, p apiextensionsv1.JSONSchemaProps) {
		if strings.Contains(path, "policy") && p.Default != nil {
			t.Errorf("%s has the schema default %s", path, p.Default.Raw)
		}
	})
}

const durationPattern = `^([0-9]{1,5}(h|m|s|ms)){1,4}$`

func schemaOfRoute(t *testing.T) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.WebSocketRoutes, &definition); err != nil {
		t.Fatal(err)
	}
	return *definition.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// walk visits every field below a schema; items of a list have the list's path and [].
func walk(path string, s apiextensionsv1.JSONSchemaProps, visit func(path string, required bool, p apiextensionsv1.JSONSchemaProps)) {
	if s.Items != nil && s.Items.Schema != nil {
		walk(path+"[]", *s.Items.Schema, visit)
	}
	for name, p := range s.Properties {
		field := strings.TrimPrefix(path+"."+name, ".")
		visit(field, slices.Contains(s.Required, name), p)
		walk(field, p, visit)
	}
}
