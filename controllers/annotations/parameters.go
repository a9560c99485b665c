package annotations

import (
	"crypto/tls"
	"slices"
	"strconv"
	"strings"
)

// parameterRows are keys of the ConfigMap of ingress-nginx that are no annotations there.
var parameterRows = []Row{
	{
		Name: "ssl-protocols", Type: "TLSv1.2, TLSv1.3", Default: "TLSv1.2 TLSv1.3", Example: "TLSv1.3", Guards: true,
		Doc:  "TLS versions for clients: the lowest that is named counts, as fairlead.dev/tls-min-version, and 1.2 at least.",
		sets: []string{"MinTLS"}, parse: func(value string, d *draft) error {
			low, _, err := protocolRange(strings.ReplaceAll(value, ",", " "))
			if err != nil {
				return err
			}
			if low < tls.VersionTLS12 {
				d.differs("versions before TLSv1.2 are not spoken (RFC 8996)")
			}
			d.MinTLS = max(low, tls.VersionTLS12)
			return nil
		},
	}, {
		Name: "use-service-upstream", Type: typeBool, Default: "false", Example: "true",
		Doc:  "As service-upstream.",
		sets: []string{"ServiceUpstream"}, parse: boolean(func(d *draft, b bool) { d.ServiceUpstream = b }),
	}, {
		Name: "disable-access-log", Type: typeBool, Default: "false", Example: "true",
		Doc:  "As enable-access-log: \"false\".",
		sets: []string{"NoLog"}, parse: boolean(func(d *draft, b bool) { d.NoLog = b }),
	},
}

// fixedParameter is a key of the ConfigMap of ingress-nginx that is none here.
type fixedParameter struct {
	// always are the values that say what is the case anyway.
	always []string
	// instead says what to do about any other. "": there is nothing to do about any.
	instead string
}

// is reports whether a value says what is the case anyway.
func (f fixedParameter) is(value string) bool {
	if b, err := strconv.ParseBool(value); err == nil && slices.Contains(f.always, strconv.FormatBool(b)) {
		return true
	}
	return f.instead == "" || slices.Contains(f.always, value)
}

// fixedParameters are the keys whose matter is a flag of the controller, or the same for everybody.
var fixedParameters = func() map[string]fixedParameter {
	m := map[string]fixedParameter{}
	add := func(instead string, always []string, keys ...string) {
		for _, key := range keys {
			m[key] = fixedParameter{always, instead}
		}
	}
	flag := func(flag string, always []string, keys ...string) {
		add("this is a setting of the controller and not of a class, so it has no effect: use the flag "+flag, always, keys...)
	}
	flag("--drain-timeout", nil, "worker-shutdown-timeout")
	flag("--trusted-proxies, which takes networks and trusts nobody by default", []string{"false"}, "use-forwarded-headers", "compute-full-forwarded-for", "enable-real-ip")
	flag("--trusted-proxies", nil, "proxy-real-ip-cidr")
	flag("--proxy-protocol, which takes the networks of the load balancers", []string{"false"}, "use-proxy-protocol")
	flag("--allowed-response-headers", nil, "global-allowed-response-headers")
	flag("--default-certificate", nil, "default-ssl-certificate")
	flag("--default-backend-service", nil, "default-backend-service")

	add("the client's address is read from X-Forwarded-For alone, so it has no effect", []string{"X-Forwarded-For"}, "forwarded-for-header")
	add("limits are always answered 503, so it has no effect", []string{"503"}, "limit-conn-status-code", "limit-req-status-code")
	add("redirects to https are always answered 308, so it has no effect", []string{"308"}, "http-redirect-code")
	add("/.well-known/acme-challenge alone is free of redirects and authentication, so it has no effect",
		[]string{"/.well-known/acme-challenge"}, "no-tls-redirect-locations", "no-auth-locations")
	add("no Strict-Transport-Security is sent by itself, so it has no effect: write response-headers-set: \"Strict-Transport-Security: max-age=31536000; includeSubDomains\"",
		[]string{"false"}, "hsts")
	add("", nil, "hsts-max-age", "hsts-include-subdomains", "hsts-preload") // hsts has told
	add("configuration snippets are nginx's own language and are not served", []string{"false"}, "allow-snippet-annotations")
	add("configuration snippets are nginx's own language and are not served", []string{""}, "http-snippet", "main-snippet", "server-snippet", "location-snippet", "stream-snippet")
	// Connections, threads and memory look after themselves.
	add("", nil, "keep-alive", "keep-alive-requests", "upstream-keepalive-connections", "upstream-keepalive-timeout",
		"upstream-keepalive-requests", "upstream-keepalive-time", "client-header-timeout", "client-body-timeout",
		"max-worker-connections", "max-worker-open-files", "worker-processes", "worker-cpu-affinity", "enable-multi-accept", "reuse-port",
		"server-tokens", "use-gzip", "use-http2", "enable-brotli", "proxy-headers-hash-max-size", "proxy-headers-hash-bucket-size",
		"server-name-hash-max-size", "server-name-hash-bucket-size", "map-hash-bucket-size", "variables-hash-max-size", "variables-hash-bucket-size",
		"ssl-session-cache", "ssl-session-cache-size", "ssl-session-timeout", "ssl-session-tickets", "ssl-buffer-size", "annotations-risk-level")
	return m
}()
