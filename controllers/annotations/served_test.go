package annotations

import (
	"crypto/tls"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// What owners of Ingresses for ingress-nginx wrote keeps its meaning.
func TestWhatIngressNginxServes(t *testing.T) {
	networks := func(list ...string) []netip.Prefix {
		var all []netip.Prefix
		for _, s := range list {
			all = append(all, netip.MustParsePrefix(s))
		}
		return all
	}
	cors := func(change func(*model.CORS)) *model.CORS {
		c := &model.CORS{Origins: []string{"*"}, Methods: corsMethods, Headers: corsHeaders, Credentials: true, MaxAge: 480 * time.Hour}
		change(c)
		return c
	}
	stories := map[string]struct {
		set  map[string]string
		want Settings
	}{
		"a hash of several variables": {
			map[string]string{"upstream-hash-by": "$host$request_uri"},
			Settings{Balance: model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$host$request_uri"}},
		},
		"a subset of endpoints for a key": {
			map[string]string{"upstream-hash-by": "$remote_addr", "upstream-hash-by-subset": "true"},
			Settings{Balance: model.Balance{Algorithm: model.ConsistentHash, HashOn: []model.HashOn{{Source: model.HashSourceIP}}, Subset: 3}},
		},
		"a small subset": {
			map[string]string{"upstream-hash-by": "$args", "upstream-hash-by-subset": "true", "upstream-hash-by-subset-size": "2"},
			Settings{Balance: model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$args", Subset: 2}},
		},
		"the fewest connections": {map[string]string{"load-balance": "least_conn"}, Settings{Balance: model.Balance{Algorithm: model.LeastSessions}}},
		"a failure sends the client elsewhere": {
			map[string]string{"affinity": "cookie", "session-cookie-change-on-failure": "true"},
			Settings{Balance: model.Balance{Sticky: &model.StickyCookie{Name: "INGRESSCOOKIE", Mode: model.Balanced}}, CookiePathOfMatch: true},
		},
		"retries of what an application is known to do": {
			map[string]string{"proxy-next-upstream": "error http_503 http_502", "proxy-next-upstream-tries": "0", "proxy-next-upstream-timeout": "10"},
			Settings{Retries: model.Retries{On: model.RetryError, Statuses: []int{502, 503}, Unlimited: true, Timeout: model.Timeout(10 * time.Second)}},
		},
		"no retries": {
			map[string]string{"proxy-next-upstream": "off http_503", "proxy-next-upstream-timeout": "0"},
			Settings{Retries: model.Retries{On: model.RetryNever, Timeout: model.Off}},
		},
		"limits of one client": {
			map[string]string{"limit-connections": "20", "limit-rps": "10", "limit-rpm": "300", "limit-burst-multiplier": "2", "limit-whitelist": "10.1.2.3/8, 192.0.2.7"},
			Settings{Limits: model.Limits{
				SessionsPerClient: 20, Exempt: networks("10.0.0.0/8", "192.0.2.7/32"),
				PerClient: []model.Rate{{Events: 10, Per: time.Second, Burst: 20}, {Events: 300, Per: time.Minute, Burst: 600}},
			}},
		},
		"a burst of five by default": {
			map[string]string{"limit-rps": "3"},
			Settings{Limits: model.Limits{PerClient: []model.Rate{{Events: 3, Per: time.Second, Burst: 15}}}},
		},
		"who is let in": {
			map[string]string{"whitelist-source-range": "10.0.0.0/8", "denylist-source-range": "10.6.6.6, 2001:db8::/32", "satisfy": "any"},
			Settings{Access: model.Access{Allow: networks("10.0.0.0/8"), Deny: networks("10.6.6.6/32", "2001:db8::/32"), SatisfyAny: true}},
		},
		"the new name of a list counts more than the old": {
			map[string]string{"whitelist-source-range": "10.0.0.0/8", "allowlist-source-range": "::ffff:192.0.2.0/120"},
			Settings{Access: model.Access{Allow: networks("192.0.2.0/24")}},
		},
		"a password": {
			map[string]string{"auth-type": "basic", "auth-secret": "ops/users", "auth-secret-type": "auth-map", "auth-realm": "Chat"},
			Settings{
				Access: model.Access{Basic: &model.BasicAuth{Realm: "Chat"}}, BasicAuthMap: true,
				BasicAuthSecret: &Ref{NginxPrefix + "auth-secret", "ops", "users"},
			},
		},
		"a service that is asked": {
			map[string]string{
				"auth-url": "https://$host/oauth2/auth", "auth-signin": "https://$host/oauth2/start?rd=$escaped_request_uri",
				"auth-response-headers": "x-auth-user,X-Auth-Email", "auth-cache-key": "$cookie_session", "auth-proxy-set-headers": "headers",
				"auth-always-set-cookie": "true", "auth-request-redirect": "https://$host$request_uri",
			},
			Settings{
				Access: model.Access{External: &model.ExternalAuth{
					URL: "https://$host/oauth2/auth", Method: "GET", SignIn: "https://$host/oauth2/start?rd=$escaped_request_uri", SignInParam: "rd",
					ResponseHeaders: []string{"X-Auth-User", "X-Auth-Email"}, CacheKey: "$cookie_session", AlwaysSetCookie: true,
					RequestRedirect: "https://$host$request_uri",
					CacheFor:        map[int]time.Duration{200: 5 * time.Minute, 202: 5 * time.Minute, 401: 5 * time.Minute},
				}},
				AuthHeaders: &Ref{NginxPrefix + "auth-proxy-set-headers", "", "headers"},
			},
		},
		"answers that are remembered by status": {
			map[string]string{"auth-url": "http://auth/", "auth-cache-key": "$remote_addr", "auth-cache-duration": "200 202 1h30m, 401 30s, any 1m"},
			Settings{Access: model.Access{External: &model.ExternalAuth{
				URL: "http://auth/", Method: "GET", CacheKey: "$remote_addr",
				CacheFor: map[int]time.Duration{200: 90 * time.Minute, 202: 90 * time.Minute, 401: 30 * time.Second, 0: time.Minute},
			}}},
		},
		"client certificates": {
			map[string]string{
				"auth-tls-secret": "ops/ca", "auth-tls-verify-client": "optional", "auth-tls-verify-depth": "2", "auth-tls-match-cn": "CN=chat-.*",
				"auth-tls-pass-certificate-to-upstream": "true", "auth-tls-error-page": "https://example.com/help",
			},
			Settings{
				ClientCertSecret: &Ref{NginxPrefix + "auth-tls-secret", "ops", "ca"},
				Access: model.Access{ClientCert: &model.ClientCert{
					Mode: model.OptionalCert, Depth: 2, MatchCN: "CN=chat-.*", PassToEndpoint: true, ErrorPage: "https://example.com/help",
				}},
			},
		},
		"client certificates that are not asked for": {map[string]string{"auth-tls-secret": "ops/ca", "auth-tls-verify-client": "off"}, Settings{}},
		"TLS to endpoints": {
			map[string]string{
				"backend-protocol": "HTTPS", "proxy-ssl-secret": "ops/backend", "proxy-ssl-verify": "on", "proxy-ssl-verify-depth": "2", "proxy-ssl-name": "Chat.internal",
				"proxy-ssl-server-name": "off", "proxy-ssl-protocols": "TLSv1.2 TLSv1.3", "proxy-ssl-ciphers": "DEFAULT",
			},
			Settings{
				Scheme: new(model.Secure), BackendTLSSecret: &Ref{NginxPrefix + "proxy-ssl-secret", "ops", "backend"},
				BackendTLS: model.BackendTLS{Verify: true, Depth: 2, ServerName: "chat.internal", NoSNI: true, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
			},
		},
		"endpoints are spoken to as the client speaks": {map[string]string{"backend-protocol": "auto_http"}, Settings{Scheme: new(model.AsClient)}},
		"CORS by default": {map[string]string{"enable-cors": "true"}, Settings{CORS: cors(func(*model.CORS) {})}},
		"CORS in detail": {
			map[string]string{
				"enable-cors": "true", "cors-allow-methods": "GET", "cors-allow-headers": "X-A, X-B", "cors-expose-headers": "X-C",
				"cors-allow-credentials": "false", "cors-max-age": "0",
			},
			Settings{CORS: cors(func(c *model.CORS) {
				c.Methods, c.Headers, c.ExposeHeaders, c.Credentials, c.MaxAge = []string{"GET"}, []string{"X-A", "X-B"}, []string{"X-C"}, false, 0
			})},
		},
		"the size of a body": {map[string]string{"proxy-body-size": "8M"}, Settings{MaxBody: 8 << 20}},
		"no bound of a body": {map[string]string{"proxy-body-size": "0"}, Settings{}},
		"a redirect for good": {
			map[string]string{"permanent-redirect": "https://new.example.com$request_uri", "permanent-redirect-code": "308"},
			Settings{RedirectTo: &model.Redirect{Status: 308, Location: "https://new.example.com$request_uri"}},
		},
		"a redirect for now wins": {
			map[string]string{"permanent-redirect": "https://new.example.com", "temporal-redirect": "/sorry"},
			Settings{RedirectTo: &model.Redirect{Status: 302, Location: "/sorry"}},
		},
		"hosts": {
			map[string]string{"server-alias": "www.Example.com,chat.example.org", "from-to-www-redirect": "true", "app-root": "/chat"},
			Settings{ServerAlias: []string{"chat.example.org", "www.example.com"}, FromToWWW: true, AppRoot: "/chat"},
		},
		"somebody who answers instead": {
			map[string]string{"default-backend": "sorry", "custom-http-errors": "503,404,503"},
			Settings{DefaultBackend: "sorry", CustomErrors: []int{404, 503}},
		},
		"a canary": {
			map[string]string{
				"canary": "true", "canary-weight": "50", "canary-weight-total": "1000", "canary-by-header": "x-canary",
				"canary-by-header-pattern": "beta|staff", "canary-by-cookie": "canary", "affinity-canary-behavior": "legacy",
			},
			Settings{Canary: &model.Canary{
				Header: "X-Canary", HeaderPattern: "beta|staff", Cookie: "canary", Weight: 50, Total: 1000, IgnoreSticky: true,
			}},
		},
		"the prefix that was cut": {
			map[string]string{"rewrite-target": "/$2", "x-forwarded-prefix": "/chat"},
			Settings{RewriteTarget: "/$2", ForwardedPrefix: "/chat"},
		},
		"the Service itself, headers and no log": {
			map[string]string{"service-upstream": "true", "custom-headers": "ops/answers", "enable-access-log": "false"},
			Settings{ServiceUpstream: true, CustomHeaders: &Ref{NginxPrefix + "custom-headers", "ops", "answers"}, NoLog: true},
		},
		"what is off anyway": {
			map[string]string{
				"upstream-hash-by-subset": "false", "session-cookie-secure": "false", "limit-rate": "0", "enable-opentelemetry": "false",
				"ssl-passthrough": "false", "preserve-trailing-slash": "true", "enable-modsecurity": "false",
			},
			Settings{},
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			got, problems := Parse(under(NginxPrefix, story.set), Defaults{})
			if len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
			if !reflect.DeepEqual(got, story.want) {
				t.Errorf("got  %+v\nwant %+v", got, story.want)
			}
		})
	}
}

// under gives keys their prefix.
func under(prefix string, set map[string]string) map[string]string {
	full := map[string]string{}
	for name, value := range set {
		full[prefix+name] = value
	}
	return full
}

// What Fairlead has beyond ingress-nginx, an Ingress says under our prefix.
func TestWhatOursServes(t *testing.T) {
	got, problems := Parse(under(OurPrefix, map[string]string{
		"sessions": "5000", "sessions-per-client": "20", "handshakes-per-second": "500", "handshakes-per-second-per-client": "10", "burst": "0", "exempt-cidrs": "10.0.0.0/8",
		"origins": "https://app.example.com, https://*.example.org:8443", "allow-cidrs": "10.0.0.0/8", "deny-cidrs": "10.6.6.6",
		"basic-auth-secret": "users", "basic-auth-realm": "Chat", "external-auth-url": "http://auth/", "external-auth-timeout": "2s",
		"external-auth-response-headers": "x-user", "external-auth-cache-key": "$cookie_session", "external-auth-cache-duration": "1m",
		"backend-tls": "verify", "backend-tls-server-name": "chat.internal", "backend-tls-ca-secret": "ca", "backend-tls-client-cert-secret": "me",
		"retries": "5", "retry-timeout": "3s", "share": "live-sessions", "insecure-websocket": "refuse", "tls-min-version": "1.3",
		"request-headers-set": "x-cluster: blue\nX-Time: 10:30, UTC\n", "response-headers-remove": "server", "response-headers-add": "Via: 1.1 fairlead",
	}), Defaults{})
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	minute := time.Minute
	want := Settings{
		Limits: model.Limits{
			Sessions: 5000, SessionsPerClient: 20, Exempt: ten,
			Rates: []model.Rate{{Events: 500, Per: time.Second}}, PerClient: []model.Rate{{Events: 10, Per: time.Second}},
		},
		Access: model.Access{
			Origins: []string{"https://app.example.com", "https://*.example.org:8443"}, Allow: ten, Deny: []netip.Prefix{netip.MustParsePrefix("10.6.6.6/32")},
			Basic: &model.BasicAuth{Realm: "Chat"},
			External: &model.ExternalAuth{
				URL: "http://auth/", Timeout: model.Timeout(2 * time.Second), ResponseHeaders: []string{"X-User"}, CacheKey: "$cookie_session",
				CacheFor: map[int]time.Duration{200: minute, 201: minute, 202: minute, 203: minute, 204: minute, 401: minute, 403: minute},
			},
		},
		BasicAuthSecret: &Ref{OurPrefix + "basic-auth-secret", "", "users"},
		Scheme:          new(model.Secure), BackendTLS: model.BackendTLS{Verify: true, ServerName: "chat.internal"},
		BackendCASecret: &Ref{OurPrefix + "backend-tls-ca-secret", "", "ca"}, BackendCertSecret: &Ref{OurPrefix + "backend-tls-client-cert-secret", "", "me"},
		Retries: model.Retries{Attempts: 5, Timeout: model.Timeout(3 * time.Second)}, Balance: model.Balance{ByLiveSessions: true},
		InsecureUpgrade: model.RefuseInsecure, MinTLS: tls.VersionTLS13,
		Headers: model.Headers{
			Request: model.HeaderEdits{Set: []model.Field{{Name: "X-Cluster", Value: "blue"}, {Name: "X-Time", Value: "10:30, UTC"}}},
			Response: model.HeaderEdits{
				Remove: []string{"Server"}, Add: []model.Field{{Name: "Via", Value: "1.1 fairlead"}},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Nobody gets in because of a slip of the finger.
func TestAGuardThatCantBeReadStaysClosed(t *testing.T) {
	for name, story := range map[string]struct {
		set    map[string]string
		sealed string // a part of it; "": open
		told   string
	}{
		"a network with a slip":        {map[string]string{nginx + "whitelist-source-range": "10.0.0.0/33"}, "whitelist-source-range can't be read", "answered with 503"},
		"one of many":                  {map[string]string{nginx + "denylist-source-range": "10.0.0.0/8, oops"}, "denylist-source-range", `"oops" is neither`},
		"a limit with a unit":          {map[string]string{nginx + "limit-rps": "10/s"}, "limit-rps", "answered with 503"},
		"a service without scheme":     {map[string]string{nginx + "auth-url": "auth.prod.svc/check"}, "auth-url", "http:// or https://"},
		"a variable that we lack":      {map[string]string{nginx + "auth-url": "http://auth/$remote_port"}, "auth-url", "$remote_port is not a variable"},
		"digest":                       {map[string]string{nginx + "auth-type": "digest", nginx + "auth-secret": "users"}, "auth-type", "write basic"},
		"a password that nobody has":   {map[string]string{nginx + "auth-type": "basic"}, "auth-secret is missing", "auth-secret is missing"},
		"a Secret elsewhere":           {map[string]string{our + "basic-auth-secret": "ops/users"}, "basic-auth-secret", "another namespace"},
		"an expression of PCRE":        {map[string]string{nginx + "auth-tls-secret": "ca", nginx + "auth-tls-match-cn": "CN=(?=x)"}, "auth-tls-match-cn", "RE2"},
		"an origin with a path":        {map[string]string{our + "origins": "https://example.com/"}, "origins", "no path"},
		"ours replaces theirs":         {map[string]string{our + "allow-cidrs": "10.0.0.0/8", nginx + "whitelist-source-range": "oops"}, "", "the annotation is ignored"},
		"theirs does not replace ours": {map[string]string{our + "allow-cidrs": "oops", nginx + "whitelist-source-range": "10.0.0.0/8"}, "allow-cidrs", "answered with 503"},
		"a detail of nothing":          {map[string]string{nginx + "auth-response-headers": "no good"}, "", "the annotation is ignored"},
		"a limit of nothing":           {map[string]string{nginx + "limit-whitelist": "oops"}, "", "the annotation is ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := Parse(story.set, Defaults{})
			if (got.Access.Sealed == "") != (story.sealed == "") || !strings.Contains(got.Access.Sealed, story.sealed) {
				t.Errorf("sealed %q, want %q", got.Access.Sealed, story.sealed)
			}
			told := false
			for _, p := range problems {
				told = told || strings.Contains(p.Message, story.told)
			}
			if !told {
				t.Errorf("problems %v, want %q", problems, story.told)
			}
		})
	}
}

func TestWhatDiffersIsTold(t *testing.T) {
	for name, story := range map[string]struct {
		set    map[string]string
		reason v1alpha1.Reason
		told   string
	}{
		"ewma":                       {map[string]string{"load-balance": "ewma"}, v1alpha1.ReasonUnsupportedAnnotation, "fairlead.dev/balance: least-sessions"},
		"a hash without a key":       {map[string]string{"load-balance": "chash"}, v1alpha1.ReasonInvalidAnnotation, "upstream-hash-by"},
		"old browsers":               {map[string]string{"affinity": "cookie", "session-cookie-conditional-samesite-none": "true"}, v1alpha1.ReasonUnsupportedAnnotation, "every browser"},
		"a rate in KiB":              {map[string]string{"limit-rate": "100"}, v1alpha1.ReasonUnsupportedAnnotation, "never slowed a socket down"},
		"a cookie to a Service":      {map[string]string{"affinity": "cookie", "service-upstream": "true"}, v1alpha1.ReasonUnsupportedAnnotation, "binds nobody"},
		"pages that may read":        {map[string]string{"enable-cors": "true", "cors-allow-origin": "https://a.example"}, v1alpha1.ReasonUnsupportedAnnotation, "fairlead.dev/origins"},
		"verification by the system": {map[string]string{"proxy-ssl-verify": "on"}, v1alpha1.ReasonUnsupportedAnnotation, "verifies nothing without proxy-ssl-secret"},
		"ciphers":                    {map[string]string{"proxy-ssl-ciphers": "HIGH:!aNULL"}, v1alpha1.ReasonUnsupportedAnnotation, "crypto/tls"},
		"HTTP/1.0":                   {map[string]string{"proxy-http-version": "1.0"}, v1alpha1.ReasonUnsupportedAnnotation, "need 1.1"},
		"Connection":                 {map[string]string{"connection-proxy-header": "keep-alive"}, v1alpha1.ReasonUnsupportedAnnotation, "always get the Connection header"},
		"spans":                      {map[string]string{"enable-opentelemetry": "true"}, v1alpha1.ReasonUnsupportedAnnotation, "trace headers pass"},
		"a mirror":                   {map[string]string{"mirror-target": "https://test.example/"}, v1alpha1.ReasonUnsupportedAnnotation, "can't be mirrored"},
		"the minutes of retries":     {map[string]string{"proxy-next-upstream-timeout": "1m"}, v1alpha1.ReasonInvalidAnnotation, "understood as 1m"},
		"a weight without a canary":  {map[string]string{"canary-weight": "10"}, v1alpha1.ReasonInvalidAnnotation, "takes all requests of its paths"},
		"a canary's word elsewhere":  {map[string]string{"affinity": "cookie", "affinity-canary-behavior": "legacy"}, v1alpha1.ReasonInvalidAnnotation, "add it to that of the canary"},
		"more than everything":       {map[string]string{"canary": "true", "canary-weight": "110"}, v1alpha1.ReasonInvalidAnnotation, "takes all requests"},
		"a prefix that was not cut":  {map[string]string{"x-forwarded-prefix": "/x"}, v1alpha1.ReasonInvalidAnnotation, "no path is rewritten"},
		"an alias of PCRE":           {map[string]string{"server-alias": "~^www\\d+"}, v1alpha1.ReasonUnsupportedAnnotation, "write the hosts out"},
		"a header of the protocol":   {map[string]string{"auth-url": "http://auth/", "auth-response-headers": "Upgrade"}, v1alpha1.ReasonInvalidAnnotation, "makes the protocol work"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse(under(NginxPrefix, story.set), Defaults{})
			if len(problems) != 1 || problems[0].Reason != story.reason || !strings.Contains(problems[0].Message, story.told) {
				t.Errorf("problems %v\nwant one %s that says %q", problems, story.reason, story.told)
			}
		})
	}
}

func TestSecretsOfBothPrefixesClash(t *testing.T) {
	set := map[string]string{nginx + "auth-type": "basic", nginx + "auth-secret": "users", our + "basic-auth-secret": "users"}
	if got, problems := Parse(set, Defaults{}); len(problems) > 0 || got.BasicAuthSecret == nil {
		t.Errorf("the same Secret: %+v, problems %v", got.BasicAuthSecret, problems)
	}
	set[our+"basic-auth-secret"] = "others"
	got, problems := Parse(set, Defaults{})
	if len(problems) != 1 || problems[0].Reason != v1alpha1.ReasonAnnotationClash || got.BasicAuthSecret.Name != "others" {
		t.Errorf("another Secret: %+v, problems %v", got.BasicAuthSecret, problems)
	}
}
