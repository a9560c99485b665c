package annotations

import "slices"

// What to do instead, where many annotations share it.
const (
	snippetAdvice = "configuration snippets are nginx's own language. Upgrade and Connection headers, HTTP/1.1 and disabled buffering need none here; for timeouts there are annotations."
	buffered      = "nothing is buffered: sockets and bodies stream."
	removeAuth    = "put the check into the application or into a proxy before Fairlead, and remove the annotation."
	removeCIDR    = "restrict the sources with a NetworkPolicy or at the load balancer, and remove the annotation."
	removeMTLS    = "have the application or another proxy check client certificates, and remove the annotation."
	endpointTLS   = "endpoints are spoken to in TLS without a check of their certificate; remove the annotation, or check by a service mesh."
	limitAdvice   = "have the application or a proxy before Fairlead limit clients, and remove the annotation."
	corsAdvice    = "have the application answer CORS requests, and check Origin there: CORS never kept foreign pages from opening a WebSocket."
	wafAdvice     = "put a web application firewall before Fairlead."
	mirrorAdvice  = "a socket can't be mirrored; remove the annotation."
	cookieAdvice  = "answers pass unchanged; have the application set what clients should see."
	traceAdvice   = "trace headers pass untouched; remove the annotation."
	fcgiAdvice    = "FastCGI is not spoken; serve HTTP from the pod."
	redirAdvice   = "answer with a redirect from the application."
	tlsAdvice     = "the versions and ciphers are those that Go's crypto/tls considers safe; remove the annotation."
	canaryAdvice  = "write a WebSocketRoute with two weighted backends instead."
	authExtra     = "it belongs to auth-url or auth-type, which are not supported; remove it with them."
	retryAdvice   = "a handshake is tried on other endpoints until one has begun to answer; remove the annotation."
	bufferedLimit = "it never limited sockets; have the application limit what it sends."
)

// nginxOtherRows are the annotations that count for nothing here, and why.
var nginxOtherRows = slices.Concat(
	rows(Needless, buffered,
		"client-body-buffer-size", "proxy-buffer-size", "proxy-buffering", "proxy-buffers-number",
		"proxy-busy-buffers-size", "proxy-max-temp-file-size", "proxy-request-buffering"),
	rows(Needless, "there are no canary Ingresses.", "affinity-canary-behavior"),

	switches(LeftOut, canaryAdvice, "canary"),
	rows(Closed, removeAuth, "auth-url", "auth-type"),
	rows(Closed, removeMTLS, "auth-tls-secret"),
	rows(Closed, removeCIDR, "allowlist-source-range", "denylist-source-range", "whitelist-source-range"),

	switches(Unsupported, wafAdvice, "enable-modsecurity", "enable-owasp-core-rules"),
	switches(Unsupported, corsAdvice, "enable-cors"),
	switches(Unsupported, traceAdvice, "enable-opentelemetry"),
	switches(Unsupported, redirAdvice, "from-to-www-redirect"),
	switches(Unsupported, "sockets go to the pods themselves; remove the annotation.", "service-upstream"),
	switches(Unsupported, "TLS ends here; add the certificate to spec.tls, and speak TLS to the endpoints with backend-protocol: HTTPS.", "ssl-passthrough"),
	switches(Unsupported, "every endpoint can be chosen; remove the annotation.", "upstream-hash-by-subset"),
	switches(Unsupported, "log lines are written for every session; filter them where they are collected.", "enable-rewrite-log"),
	switches(Unsupported, "the redirect to https keeps the path as it is; remove the annotation.", "preserve-trailing-slash"),
	switches(Unsupported, "HTTP/2 push is gone from browsers; remove the annotation.", "http2-push-preload"),

	rows(Unsupported, canaryAdvice,
		"canary-by-cookie", "canary-by-header", "canary-by-header-pattern", "canary-by-header-value", "canary-weight", "canary-weight-total"),
	rows(Unsupported, authExtra,
		"auth-always-set-cookie", "auth-cache-duration", "auth-cache-key", "auth-keepalive", "auth-keepalive-requests",
		"auth-keepalive-share-vars", "auth-keepalive-timeout", "auth-method", "auth-proxy-set-headers", "auth-realm",
		"auth-request-redirect", "auth-response-headers", "auth-secret", "auth-secret-type", "auth-signin",
		"auth-signin-redirect-param", "enable-global-auth", "satisfy"),
	rows(Unsupported, removeMTLS,
		"auth-tls-error-page", "auth-tls-match-cn", "auth-tls-pass-certificate-to-upstream", "auth-tls-verify-client", "auth-tls-verify-depth"),
	rows(Unsupported, endpointTLS,
		"proxy-ssl-ciphers", "proxy-ssl-name", "proxy-ssl-protocols", "proxy-ssl-secret", "proxy-ssl-server-name",
		"proxy-ssl-verify", "proxy-ssl-verify-depth"),
	rows(Unsupported, limitAdvice,
		"limit-allowlist", "limit-burst-multiplier", "limit-connections", "limit-rpm", "limit-rps", "limit-whitelist"),
	rows(Unsupported, bufferedLimit, "limit-rate", "limit-rate-after"),
	rows(Unsupported, snippetAdvice, "auth-snippet", "configuration-snippet", "server-snippet", "stream-snippet"),
	rows(Unsupported, wafAdvice, "modsecurity-snippet", "modsecurity-transaction-id"),
	rows(Unsupported, corsAdvice,
		"cors-allow-credentials", "cors-allow-headers", "cors-allow-methods", "cors-allow-origin", "cors-expose-headers",
		"cors-max-age"),
	rows(Unsupported, mirrorAdvice, "mirror-host", "mirror-request-body", "mirror-target"),
	rows(Unsupported, cookieAdvice,
		"custom-headers", "proxy-cookie-domain", "proxy-cookie-path", "proxy-redirect-from", "proxy-redirect-to"),
	rows(Unsupported, traceAdvice, "opentelemetry-operation-name", "opentelemetry-trust-incoming-span"),
	rows(Unsupported, fcgiAdvice, "fastcgi-index", "fastcgi-params-configmap"),
	rows(Unsupported, redirAdvice,
		"app-root", "permanent-redirect", "permanent-redirect-code", "relative-redirects",
		"temporal-redirect", "temporal-redirect-code"),
	rows(Unsupported, tlsAdvice, "ssl-ciphers", "ssl-prefer-server-ciphers"),
	rows(Unsupported, retryAdvice, "proxy-next-upstream", "proxy-next-upstream-timeout", "proxy-next-upstream-tries"),
	rows(Unsupported, "every endpoint can be chosen; remove the annotation.", "upstream-hash-by-subset-size"),
	rows(Unsupported, "answers of the endpoints pass as they are; name another Service in spec.defaultBackend for paths that no rule has.",
		"custom-http-errors", "default-backend", "disable-proxy-intercept-errors"),
	rows(Unsupported, "add a rule for each further host.", "server-alias"),
	rows(Unsupported, "log lines are written for every session; filter them where they are collected.", "enable-access-log"),
	rows(Unsupported, "upgrades always get the Connection header that they need; remove the annotation.", "connection-proxy-header"),
	rows(Unsupported, "have the application know its own prefix, or keep the path.", "x-forwarded-prefix"),

	rows(Phantom, "WebSockets need no annotation here; remove it.", "enable-websockets", "websocket-services", "enable-websocket"),
	rows(Phantom, "which proxies are trusted is the controller's own setting; remove it.", "use-forwarded-headers"),
	rows(Phantom, "the cookie's value is made by Fairlead; remove it.", "session-cookie-hash"),
	prefixed(f5Prefix, rows(Phantom, "WebSockets need no annotation here; remove it.", "websocket-services")),
	prefixed(f5Prefix, rows(Phantom, "write fairlead.dev/idle-timeout instead.", "proxy-read-timeout")),
)

// rows makes rows of ingress-nginx that share one advice.
func rows(support Support, doc string, names ...string) []Row {
	list := make([]Row, len(names))
	for i, name := range names {
		list[i] = Row{Prefix: NginxPrefix, Name: name, Support: support, Doc: doc}
	}
	return list
}

// switches makes rows of settings that are off by default; to turn one off is to change nothing.
func switches(support Support, doc string, names ...string) []Row {
	list := rows(support, doc, names...)
	for i := range list {
		list[i].Type, list[i].Default = typeBool, "false"
	}
	return list
}
