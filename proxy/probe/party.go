package probe

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// The names of those who give themselves away. The changes to make are looked up by them.
const (
	nginx          = "nginx"
	ingressNginx   = "ingress-nginx"
	cloudflare     = "Cloudflare"
	alb            = "AWS ALB"
	apiGateway     = "AWS API Gateway"
	cloudFront     = "Amazon CloudFront"
	envoy          = "Envoy"
	haproxy        = "HAProxy"
	traefik        = "Traefik"
	caddy          = "Caddy"
	apache         = "Apache httpd"
	googleLB       = "Google Cloud load balancer"
	azureAG        = "Azure Application Gateway"
	azureFD        = "Azure Front Door"
	kong           = "Kong"
	apisix         = "APISIX"
	openresty      = "OpenResty (nginx)"
	fastly         = "Fastly or Varnish"
	akamai         = "Akamai"
	iis            = "IIS"
	fairlead       = "Fairlead"
	application    = "the application"
	outerProxy     = "the proxy in front"
	everyProxy     = "any proxy in between"
	clientSoftware = "the client"
)

// hint is a mark by which somebody is known.
type hint struct {
	who    string
	header string // "": the mark stands in the content
	mark   string // in lower case; "": that the header is there is enough
}

// hints are in the order in which the parties usually stand: the outermost first.
var hints = []hint{
	{cloudflare, "Cf-Ray", ""}, {cloudflare, "Server", "cloudflare"}, {cloudflare, "", "error code: 52"},
	{akamai, "Server", "akamaighost"}, {cloudFront, "X-Amz-Cf-Id", ""}, {cloudFront, "Server", "cloudfront"}, {azureFD, "X-Azure-Ref", ""},
	{fastly, "X-Served-By", "cache-"}, {fastly, "Via", "varnish"},
	{alb, "Server", "awselb"}, {apiGateway, "Apigw-Requestid", ""}, {apiGateway, "X-Amzn-Errortype", ""},
	{googleLB, "Via", "google"}, {googleLB, "Server", "google frontend"},
	{googleLB, "", "response 404 (backend notfound)"}, {googleLB, "", "the server encountered a temporary error and could not complete your request."},
	{azureAG, "Server", "microsoft-azure-application-gateway"},
	{kong, "Server", "kong"}, {kong, "Via", "kong"}, {kong, "", "no route matched with those values"},
	{apisix, "Server", "apisix"},
	{ingressNginx, "", "default backend - 404"},
	{openresty, "Server", "openresty"},
	{nginx, "Server", "nginx"}, {nginx, "", "<hr><center>nginx"},
	{envoy, "Server", "envoy"}, {envoy, "X-Envoy-Upstream-Service-Time", ""},
	{envoy, "", "upstream connect error or disconnect/reset before headers"}, {envoy, "", "no healthy upstream"}, {envoy, "", "no cluster match for"},
	{haproxy, "", "no server is available to handle this request."}, {haproxy, "", "the server returned an invalid or incomplete response."},
	{haproxy, "", "your browser sent an invalid request."}, {haproxy, "", "the server didn't respond in time."},
	{traefik, "Server", "traefik"}, {traefik, "X-Traefik-Router", ""},
	{caddy, "Server", "caddy"}, {caddy, "Via", "caddy"},
	{apache, "Server", "apache"}, {iis, "Server", "microsoft-iis"},
}

// standInParties are those whose stand-in certificate tells that they hold TLS.
var standInParties = map[string]string{ingressNginx: ingressNginx, "Traefik": traefik, "Fairlead": fairlead}

// parties returns who gave themselves away in an answer, the outermost first.
func parties(a *Answer, chain []*x509.Certificate) []Party {
	var found []Party
	known := func(who string) bool {
		for _, p := range found {
			if p.Name == who {
				return true
			}
		}
		return false
	}
	add := func(who, because string) {
		if !known(who) {
			found = append(found, Party{Name: who, Because: because})
		}
	}
	body := strings.ToLower(a.Body)
	for _, h := range hints {
		if h.header == "" {
			if strings.Contains(body, h.mark) {
				add(h.who, "the text of the answer")
			}
			continue
		}
		for _, value := range a.Header[h.header] {
			if strings.Contains(strings.ToLower(value), h.mark) {
				add(h.who, h.header+": "+printable(value))
			}
		}
	}
	if reason, _ := ourReason(a); reason != "" {
		add(fairlead, "the text of the answer, "+string(reason))
	}
	if len(chain) > 0 {
		if who := standInParties[standIn(chain[0])]; who != "" {
			add(who, "its stand-in certificate")
		}
	}
	return found
}

// ourReasons are the reasons with which Fairlead refuses, as they stand in the content of an answer.
var ourReasons = []model.Reason{
	model.NotReady, model.Draining, model.NoRoute, model.NotWebSocket, model.ProtocolRefused, model.BadHandshake, model.BadVersion,
	model.RedirectedHTTPS, model.NotSecure, model.Redirected, model.Misdirected, model.SourceRefused, model.OriginRefused,
	model.Unauthorized, model.AuthRefused, model.AuthFailed, model.CertRequired, model.CertRefused, model.Sealed,
	model.TooManySessions, model.TooManyRequests, model.TooLarge, model.NoEndpoint, model.ConnectFailed, model.ConnectTimeout,
	model.EndpointReset, model.HandshakeTimeout, model.BadUpgrade,
}

// ourReason returns the reason and the detail of a refusal by Fairlead, "" for any other answer.
func ourReason(a *Answer) (reason model.Reason, detail string) {
	word, detail, ok := strings.Cut(strings.TrimSpace(a.Body), ": ")
	if !ok || !slices.Contains(ourReasons, model.Reason(word)) || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		return "", ""
	}
	return model.Reason(word), detail
}

// is reports whether a party gave itself away.
func (a *Answer) is(who string) bool {
	if a == nil {
		return false
	}
	for _, p := range a.By {
		if p.Name == who {
			return true
		}
	}
	return false
}

// says reports whether the content has one of the marks, which are in lower case.
func (a *Answer) says(marks ...string) bool {
	body := strings.ToLower(a.Body)
	for _, m := range marks {
		if strings.Contains(body, m) {
			return true
		}
	}
	return false
}

// isPage reports whether the content is HTML.
func (a *Answer) isPage() bool {
	return strings.Contains(strings.ToLower(a.Header.Get("Content-Type")), "html") || a.says("<html", "<!doctype html")
}

// by tells who answered, "" when nobody gave himself away.
func (a *Answer) by() string {
	var list []string
	for _, p := range a.By {
		list = append(list, p.Name+" ("+p.Because+")")
	}
	return strings.Join(list, ", behind it ")
}
