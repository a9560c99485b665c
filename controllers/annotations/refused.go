package annotations

import "slices"

// What to do instead, where many annotations share it.
const (
	wafAdvice    = "put a web application firewall before Fairlead, and remove the annotation."
	mirrorAdvice = "a socket can't be mirrored; remove the annotation."
	passAdvice   = "answers pass unchanged; have the application set what clients should see, or write fairlead.dev/response-headers-set."
	traceAdvice  = "no spans are made, and trace headers pass untouched; remove the annotation."
	fcgiAdvice   = "FastCGI is not spoken; serve HTTP from the pod."
	cipherAdvice = "the ciphers are those that Go's crypto/tls considers safe, in its order; remove the annotation, or write fairlead.dev/tls-min-version."
	noAdvice     = "WebSockets need no annotation here; remove it."
)

// refusedRows are the annotations that count for nothing here, and why.
var refusedRows = slices.Concat(
	snippets(NginxPrefix, "auth-snippet", "configuration-snippet", "server-snippet", "stream-snippet"),

	switches(wafAdvice, "enable-modsecurity", "enable-owasp-core-rules"),
	rows(Unsupported, wafAdvice, "modsecurity-snippet", "modsecurity-transaction-id"),
	switches("TLS ends here; add the certificate to spec.tls, and speak TLS to the endpoints with backend-protocol: HTTPS.", "ssl-passthrough"),
	switches("HTTP/2 push is gone from browsers; remove the annotation.", "http2-push-preload"),
	switches("log lines are written for every session; filter them where they are collected.", "enable-rewrite-log"),
	switches(traceAdvice, "enable-opentelemetry", "enable-opentracing"),
	rows(Unsupported, traceAdvice, "opentelemetry-operation-name", "opentelemetry-trust-incoming-span", "opentracing-trust-incoming-span"),
	rows(Unsupported, mirrorAdvice, "mirror-host", "mirror-request-body", "mirror-target"),
	rows(Unsupported, passAdvice, "proxy-cookie-domain", "proxy-cookie-path", "proxy-redirect-from", "proxy-redirect-to"),
	rows(Unsupported, fcgiAdvice, "fastcgi-index", "fastcgi-params-configmap"),
	rows(Unsupported, cipherAdvice, "ssl-ciphers", "ssl-prefer-server-ciphers"),
	rows(Unsupported, "upgrades always get the Connection header that they need; remove the annotation.", "connection-proxy-header"),
	rows(Unsupported, "redirects are written as permanent-redirect, temporal-redirect and app-root say; remove the annotation.", "relative-redirects"),
	rows(Unsupported, "answers are replaced as custom-http-errors says, and no others; remove the annotation.", "disable-proxy-intercept-errors"),
	rows(Unsupported, "rates are counted by each replica for itself; write limit-rps.",
		"global-rate-limit", "global-rate-limit-ignored-cidrs", "global-rate-limit-key", "global-rate-limit-window"),
	rows(Unsupported, "the name of the cookie is that of canary-by-cookie, and its values always and never.", "canary-by-cookie-value"),
	rows(Unsupported, "write affinity: cookie with affinity-mode.", "session-cookie-hash-on"),

	rows(Phantom, noAdvice, "enable-websocket", "enable-websockets", "websocket-services"),
	rows(Phantom, "which proxies are trusted is the controller's own setting, --trusted-proxies; remove it.", "use-forwarded-headers"),
	rows(Phantom, "the cookie's value is made by Fairlead; remove it.", "session-cookie-hash"),
	prefixed(f5Prefix, rows(Phantom, noAdvice, "websocket-services")),
	prefixed(f5Prefix, rows(Phantom, "write fairlead.dev/connect-timeout instead.", "proxy-connect-timeout")),
	prefixed(f5Prefix, rows(Phantom, "write fairlead.dev/idle-timeout instead; the value has a unit there, and 60s is the default.", "proxy-read-timeout")),
	prefixed(f5Prefix, rows(Phantom, "write fairlead.dev/stall-timeout instead; the value has a unit there, and 60s is the default.", "proxy-send-timeout")),
	snippets(f5Prefix, "location-snippets", "server-snippets"),
)

// rows makes rows of ingress-nginx that share one advice.
func rows(support Support, doc string, names ...string) []Row {
	list := make([]Row, len(names))
	for i, name := range names {
		list[i] = Row{Prefix: NginxPrefix, Name: name, Support: support, Doc: doc}
	}
	return list
}

// switches makes refused rows of settings that are off by default; to turn one off is to change
// nothing.
func switches(doc string, names ...string) []Row {
	list := rows(Unsupported, doc, names...)
	for i := range list {
		list[i].Type, list[i].Default = typeBool, "false"
	}
	return list
}

// snippets makes rows of nginx's own configuration, which is read to say what of it is needless here.
func snippets(prefix string, names ...string) []Row {
	list := prefixed(prefix, rows(Unsupported, "configuration snippets are nginx's own language; each directive is told, and what to write instead. Those that WebSockets need there are needless here.", names...))
	for i := range list {
		list[i].judge = judgeSnippet
	}
	return list
}
