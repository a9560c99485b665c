package annotations

import (
	"fmt"
	"net/http"

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

// BackendProtocol says how endpoints are spoken to.
type BackendProtocol uint8

// The protocols towards endpoints.
const (
	// BackendUnset leaves it to the appProtocol of the Service port.
	BackendUnset BackendProtocol = iota
	// BackendPlain is http and ws.
	BackendPlain
	// BackendTLS is https and wss.
	BackendTLS
)

// Settings is what the annotations of an Ingress say, in the data plane's language. Zero values are
// unset, as in package model.
type Settings struct {
	// Protocols is 0 when no annotation names any.
	Protocols model.Protocols
	Timeouts  model.Timeouts
	Keepalive model.Keepalive
	Balance   model.Balance
	Drain     model.Drain
	// BackendProtocol is stronger than the appProtocol of a Service port.
	BackendProtocol BackendProtocol
	Redirect        Redirect
	// UseRegex and a RewriteTarget turn all paths of the host into regular expressions.
	UseRegex bool
	// RewriteTarget is the new path; $1 to $9 stand for groups of the path's expression.
	RewriteTarget string
	// RewriteHost replaces the Host header towards endpoints.
	RewriteHost string
	// CookiePathOfMatch makes the path of the sticky cookie, when it is unset, the matched path of
	// the Ingress instead of /: so does ingress-nginx.
	CookiePathOfMatch bool
	// ClosedBy is the key of an annotation that guards the Ingress in a way that Fairlead can't; its
	// paths are answered with 503. "": none.
	ClosedBy string
	// LeftOutBy is the key of an annotation for which the Ingress is not served at all. "": none.
	LeftOutBy string
}

// nginxCookieName is the name that ingress-nginx gives its cookie when nobody names it.
const nginxCookieName = "INGRESSCOOKIE"

// draft is Settings in the making. What is optional in a cookie is kept apart until it is known
// whether there is a cookie at all, and which prefix asked for it.
type draft struct {
	Settings
	StickyOn bool
	// Affinity says that nginx.ingress.kubernetes.io/affinity asked for the cookie, which
	// has other defaults.
	Affinity   bool
	Sticky     model.StickyCookie
	StickyMode *model.StickyMode
	// SameSite nil is the default of the prefix that asked for the cookie.
	SameSite *http.SameSite
}

// settle fills in the defaults that depend on several annotations.
func (d *draft) settle() Settings {
	s := d.Settings
	s.Balance.Sticky = nil
	if !d.StickyOn {
		return s
	}
	c := d.Sticky
	mode, sameSite := model.Persistent, http.SameSiteLaxMode
	if d.Affinity {
		mode, sameSite = model.Balanced, 0
		s.CookiePathOfMatch = true
		if c.Name == "" {
			c.Name = nginxCookieName
		}
	}
	if d.StickyMode != nil {
		mode = *d.StickyMode
	}
	if d.SameSite != nil {
		sameSite = *d.SameSite
	}
	c.Mode, c.SameSite = mode, sameSite
	s.Balance.Sticky = &c
	return s
}

// SpreadTooLong reports, in words, that a window for closes is longer than the deadline whose last
// part it is. The whole time until the deadline is used then.
func SpreadTooLong(d model.Drain) (text string, long bool) {
	deadline, spread := d.Deadline.Or(model.DefaultDrainDeadline), d.Spread.Or(model.DefaultDrainSpread)
	if deadline == 0 || spread <= deadline {
		return "", false
	}
	return fmt.Sprintf("closes are spread over %s and not over %s, because that is the drain deadline", short(deadline), short(spread)), true
}
