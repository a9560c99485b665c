package annotations

import (
	"fmt"

	"github.com/fairlead/fairlead/proxy/model"
)

// Redirect says when plain HTTP requests are sent to https.
type Redirect uint8

// The ways to redirect.
const (
	// RedirectWithTLS redirects for hosts that the Ingress has TLS for.
	RedirectWithTLS Redirect = iota
	// RedirectNever serves plain HTTP.
	RedirectNever
	// RedirectAlways redirects for every host, such as behind a proxy that ends TLS itself.
	RedirectAlways
)

// Ref names an object that an annotation refers to.
type Ref struct {
	// Key is the annotation's, or that of the class parameters.
	Key string
	// Namespace "" is that of the Ingress.
	Namespace, Name string
}

// Settings is what the annotations of an Ingress say, in the data plane's language. Zero values are
// unset, as in package model.
type Settings struct {
	// Protocols is 0 when no annotation names any.
	Protocols model.Protocols
	Timeouts  model.Timeouts
	Keepalive model.Keepalive
	Balance   model.Balance
	Drain     model.Drain
	Retries   model.Retries
	// Limits have no Zone yet.
	Limits model.Limits
	// Access is whole but for what is in BasicAuthSecret, ClientCertSecret and AuthHeaders.
	Access           model.Access
	BasicAuthSecret  *Ref
	BasicAuthMap     bool // each key of the Secret is a user (auth-secret-type: auth-map)
	ClientCertSecret *Ref
	AuthHeaders      *Ref // a ConfigMap with headers for the question of external authentication
	CORS             *model.CORS
	Headers          model.Headers
	CustomHeaders    *Ref // a ConfigMap with headers for answers
	MaxBody          int64
	MinTLS           uint16
	NoLog            bool
	// Scheme is stronger than the appProtocol of a Service port. nil: none is named.
	Scheme     *model.Scheme
	BackendTLS model.BackendTLS
	// BackendTLSSecret has ca.crt, and tls.crt and tls.key of the proxy itself, or one of both.
	// BackendCASecret and BackendCertSecret have ca.crt and the pair alone, and count before it.
	BackendTLSSecret, BackendCASecret, BackendCertSecret *Ref
	// Redirect is about https, RedirectTo about everything.
	Redirect        Redirect
	InsecureUpgrade model.InsecureUpgrade
	RedirectTo      *model.Redirect
	// AppRoot is where "/" of the hosts is redirected to (302). "": nowhere.
	AppRoot string
	// FromToWWW redirects www.HOST to HOST, or HOST to www.HOST, whichever the Ingress does not serve.
	FromToWWW bool
	// ServerAlias are more hosts for the same paths; they lose to every host of a rule.
	ServerAlias []string
	// ForwardedPrefix is sent to endpoints as X-Forwarded-Prefix where a RewriteTarget is in force.
	ForwardedPrefix string
	// DefaultBackend is a Service of the Ingress's namespace whose first port is the Fallback. "": none.
	DefaultBackend string
	CustomErrors   []int
	// ServiceUpstream sends requests to the address of the Service instead of its endpoints.
	ServiceUpstream bool
	// Canary makes the Ingress an addition to the one that has its hosts and paths. Its Backend is
	// left to translate, as is the regular expression's being one. nil: it is none.
	Canary *model.Canary
	// UseRegex and a RewriteTarget turn all paths of the host into regular expressions.
	UseRegex bool
	// RewriteTarget is the new path; $1 to $9 stand for groups of the path's expression.
	RewriteTarget string
	// RewriteHost replaces the Host header towards endpoints.
	RewriteHost string
	// CookiePathOfMatch makes the path of the sticky cookie, when it is unset, the matched path of
	// the Ingress instead of /: so does ingress-nginx.
	CookiePathOfMatch bool
	// LeftOutBy is the key of an annotation for which the Ingress is not served at all. "": none.
	LeftOutBy string
}

// nginxCookieName is the name that ingress-nginx gives its cookie when nobody names it.
const nginxCookieName = "INGRESSCOOKIE"

// SpreadTooLong reports, in words, that a window for closes is longer than the deadline whose last
// part it is. The whole time until the deadline is used then.
func SpreadTooLong(d model.Drain) (text string, long bool) {
	deadline, spread := d.Deadline.Or(model.DefaultDrainDeadline), d.Spread.Or(model.DefaultDrainSpread)
	if deadline == 0 || spread <= deadline {
		return "", false
	}
	return fmt.Sprintf("closes are spread over %s and not over %s, because that is the drain deadline", short(deadline), short(spread)), true
}
