package probe

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
)

// ourFindings are what Fairlead's own refusals come to.
var ourFindings = map[model.Reason]Finding{
	model.NotReady: NoEndpoint, model.Draining: NoEndpoint, model.NoRoute: PathNotFound, model.NotWebSocket: UpgradeLost,
	model.ProtocolRefused: Forbidden, model.BadHandshake: BadRequest, model.BadVersion: BadVersion,
	model.RedirectedHTTPS: RedirectHTTPS, model.NotSecure: RedirectHTTPS, model.Misdirected: Misdirected,
	model.SourceRefused: Forbidden, model.OriginRefused: OriginRefused,
	model.Unauthorized: Unauthorized, model.AuthFailed: ServerError,
	model.CertRequired: ClientCertNeeded, model.CertRefused: ClientCertNeeded, model.Sealed: ServerError,
	model.TooManySessions: TooManyClients, model.TooManyRequests: TooManyClients,
	model.NoEndpoint: NoEndpoint, model.ConnectFailed: BadEndpoint, model.EndpointReset: BadEndpoint, model.BadUpgrade: BadEndpoint,
	model.ConnectTimeout: SlowEndpoint, model.HandshakeTimeout: SlowEndpoint,
}

// statusFindings are what a status comes to when nothing else says more.
var statusFindings = map[int]Finding{
	http.StatusBadRequest: BadRequest, http.StatusUnauthorized: Unauthorized, http.StatusForbidden: Forbidden,
	http.StatusNotFound: PathNotFound, http.StatusGone: PathNotFound, http.StatusMethodNotAllowed: NotThisPath,
	http.StatusMisdirectedRequest: Misdirected, http.StatusTooManyRequests: TooManyClients,
	http.StatusBadGateway: BadEndpoint, http.StatusServiceUnavailable: NoEndpoint, http.StatusGatewayTimeout: SlowEndpoint,
	http.StatusHTTPVersionNotSupported: UpgradeLost,
	// Cloudflare's own (520 to 526) and nginx's (495 to 497).
	520: BadEndpoint, 521: BadEndpoint, 522: SlowEndpoint, 523: BadEndpoint, 524: SlowEndpoint, 525: BadEndpoint, 526: BadEndpoint,
	495: ClientCertNeeded, 496: ClientCertNeeded, 497: NeedsTLS,
}

// marks of answers, in lower case.
var (
	// spokeHTTPtoTLS stand in the answers of servers that were spoken to in the clear on a TLS port.
	spokeHTTPtoTLS = []string{"plain http request was sent to https port", "client sent an http request to an https server", "speaking plain http to an ssl-enabled server port"}
	// wantsCert stand in those that miss a client certificate.
	wantsCert = []string{"no required ssl certificate was sent", "the ssl certificate error"}
	// lostUpgrade stand in those of WebSocket servers that saw an ordinary request.
	lostUpgrade = []string{
		"not using the websocket protocol", "token not found in", `can "upgrade" only to "websocket"`, `"connection" must be "upgrade"`,
		"invalid connection header", "invalid upgrade header", "no websocket upgrade", "does not contain upgrade", "does not contain websocket",
		"missing upgrade header", "missing or invalid upgrade", "not a websocket handshake", "not a websocket request", "expected a websocket",
		"websocket upgrade required", "upgrade required", `needs the headers "connection: upgrade"`, "websocket upgrade expected", "bad \"upgrade\" header",
	}
	// loginWords stand in the addresses of login pages.
	loginWords = []string{"login", "signin", "sign-in", "sign_in", "oauth", "/auth", "sso", "saml", "openid", "authorize", "account", "/start?rd="}
)

// classify says what an answer other than 101 comes to.
func classify(a *Answer, t *trial) Finding {
	if reason, _ := ourReason(a); reason != "" {
		if f, ok := ourFindings[reason]; ok {
			if f == BadRequest && a.says(lostUpgrade...) {
				return UpgradeLost
			}
			return f
		}
	}
	location := a.Header.Get("Location")
	switch {
	case a.Status/100 == 3 && location != "":
		return classifyRedirect(location, t.at)
	case a.Status/100 == 2:
		return NotThisPath
	case a.says(spokeHTTPtoTLS...):
		return NeedsTLS
	case a.says(wantsCert...):
		return ClientCertNeeded
	case wrongVersion(a):
		return BadVersion
	case a.Status == http.StatusUpgradeRequired, a.says(lostUpgrade...):
		return UpgradeLost
	case a.Status == http.StatusBadRequest && len(a.Header["Sec-Websocket-Version"]) > 0:
		// A WebSocket library answers so (RFC 6455 section 4.4 has it name its version) to what was
		// a good handshake when it was sent.
		return UpgradeLost
	case a.Status == http.StatusForbidden && a.says("origin", "cross-site", "csrf"):
		return OriginRefused
	}
	if f, ok := statusFindings[a.Status]; ok {
		return f
	}
	if a.Status/100 == 5 {
		return ServerError
	}
	return OtherAnswer
}

// wrongVersion reports whether the server names other versions than 13 (RFC 6455 section 4.4).
func wrongVersion(a *Answer) bool {
	versions := a.Header["Sec-Websocket-Version"]
	if len(versions) == 0 {
		return false
	}
	for v := range strings.SplitSeq(strings.Join(versions, ","), ",") {
		if strings.TrimSpace(v) == handshake.Version {
			return false
		}
	}
	return true
}

// classifyRedirect says where a redirect goes.
func classifyRedirect(location string, from place) Finding {
	to, err := resolveLocation(location, from)
	if err != nil {
		return Redirected
	}
	same := strings.EqualFold(to.Hostname(), from.host)
	lower := strings.ToLower(to.Host + to.RequestURI())
	for _, word := range loginWords {
		if strings.Contains(lower, word) && (!same || to.Path != from.path()) {
			return RedirectLogin
		}
	}
	switch {
	case same && !from.secure && (to.Scheme == "https" || to.Scheme == "wss"):
		return RedirectHTTPS
	case same && strings.TrimSuffix(to.Path, "/") == strings.TrimSuffix(from.path(), "/") && to.Path != from.path():
		return RedirectSlash
	}
	return Redirected
}

// resolveLocation returns the address that a Location means (RFC 9110 section 10.2.2).
func resolveLocation(location string, from place) (*url.URL, error) {
	base := &url.URL{Scheme: "http", Host: from.authority(), Path: from.path()}
	if from.secure {
		base.Scheme = "https"
	}
	return base.Parse(location)
}
