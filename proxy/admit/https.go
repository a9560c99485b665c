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

// HTTPS sends plain requests in the clear to https with 308, which keeps method and content
// (RFC 9110 section 15.4.9), where the route wants it. Upgrades are admitted, because WebSocket
// clients don't follow redirects, and so are ACME challenges.
func HTTPS(s *Subject) *model.Refusal {
	if !s.RedirectHTTPS || s.Secure || s.Upgrade != "" || isChallenge(s.Request.URL.Path) {
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

// isChallenge reports whether the path is that of an ACME challenge. Its token has no dots (RFC 8555
// section 8.1): with them the path could lead to any other place.
func isChallenge(path string) bool {
	token, found := strings.CutPrefix(path, acmeChallenge)
	return found && !strings.Contains(token, ".")
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
