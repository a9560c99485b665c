package admit

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

const (
	defaultHTTPSPort = 443
	// acmeChallenge is where a certificate authority asks by plain HTTP, before there is a
	// certificate (RFC 8555 section 8.3).
	acmeChallenge = "/.well-known/acme-challenge/"
)

// https sends plain requests in the clear to https with 308, which keeps method and content
// (RFC 9110 section 15.4.9), where the route wants it; ACME challenges are admitted. With upgrades it
// does what the route says: most WebSocket clients don't follow redirects.
func (p *Policy) https(s *Subject) *model.Refusal {
	if !p.redirectHTTPS || s.Secure {
		return nil
	}
	if s.Upgrade != "" {
		switch p.insecureUpgrade {
		case model.ServeInsecure:
			return nil
		case model.RefuseInsecure:
			return notSecure()
		case model.RedirectInsecure:
		}
	}
	if isChallenge(s) {
		return nil
	}
	location := httpsLocation(s.Request, s.HTTPSPort)
	if location == "" {
		return &model.Refusal{
			Status: http.StatusForbidden, Reason: model.ProtocolRefused,
			Detail: "this route is served on https, and without a Host header there is no address to go to",
		}
	}
	return &model.Refusal{
		Status: http.StatusPermanentRedirect, Reason: model.RedirectedHTTPS, Detail: location,
		Header: map[string]string{"Location": location},
	}
}

// notSecure names TLS as what to use, as a 426 must (RFC 9110 section 15.5.22, RFC 2817 section 4.2).
func notSecure() *model.Refusal {
	return &model.Refusal{
		Status: http.StatusUpgradeRequired, Reason: model.NotSecure,
		Detail: "this route is served by TLS only: use wss:// instead of ws://",
		Header: map[string]string{"Connection": "Upgrade", "Upgrade": "TLS/1.2, HTTP/1.1"},
	}
}

// isChallenge reports whether a request is an ACME challenge: a GET for a token in the alphabet of
// base64url (RFC 8555 section 8.3). With other characters the path could lead to any other place.
func isChallenge(s *Subject) bool {
	token, found := strings.CutPrefix(s.Request.URL.Path, acmeChallenge)
	return found && token != "" && s.Upgrade == "" && !strings.ContainsFunc(token, func(r rune) bool { return !ofToken(r) }) &&
		(s.Request.Method == http.MethodGet || s.Request.Method == http.MethodHead)
}

// ofToken reports whether a token may have the character.
func ofToken(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

// httpsLocation returns the request's address on https, or "" when it has no host.
func httpsLocation(r *http.Request, port int) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" {
		return ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 0 && port != defaultHTTPSPort {
		host += ":" + strconv.Itoa(port)
	}
	path := r.URL.RequestURI()
	if !strings.HasPrefix(path, "/") { // "OPTIONS *"
		path = "/"
	}
	return "https://" + host + path
}
