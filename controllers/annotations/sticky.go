package annotations

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

var (
	stickyModes = []option[model.StickyMode]{{"persistent", model.Persistent}, {"balanced", model.Balanced}}
	sameSites   = []option[http.SameSite]{
		{"Lax", http.SameSiteLaxMode}, {"Strict", http.SameSiteStrictMode}, {"None", http.SameSiteNoneMode},
	}
)

var nginxStickyRows = []Row{
	{
		Name: "affinity", Type: "cookie", Default: "none", Example: "cookie",
		Doc:   "A cookie sends a client back to its endpoint; it is set on every answer, the 101 too, and wins over upstream-hash-by and load-balance.",
		sets:  []string{"StickyOn", "Affinity"},
		parse: choice([]option[bool]{{"cookie", true}}, func(d *draft, on bool) { d.StickyOn, d.Affinity = on, on }),
	}, {
		Name: "affinity-mode", Type: "balanced or persistent", Default: "balanced", Example: "persistent", needs: needCookie,
		Doc:  "balanced: new endpoints get their share of returning clients. persistent: clients stay until their endpoint is gone.",
		sets: []string{"StickyMode"}, parse: choice(stickyModes, func(d *draft, m model.StickyMode) { d.StickyMode = &m }),
	}, {
		Name: "session-cookie-name", Type: "cookie name", Default: nginxCookieName, Example: "route", needs: needCookie,
		Doc:     "Name of the cookie.",
		Differs: "Values that ingress-nginx set are not understood: clients get a new one.",
		WhenSet: true,
		sets:    []string{"Sticky.Name"}, parse: func(value string, d *draft) error {
			d.Sticky.Name = value
			return cookieName(value)
		},
	}, {
		Name: "session-cookie-path", Type: "path", Default: "the matched path; / with regular expressions", Example: "/", needs: needCookie,
		Doc:  "Path below which clients send the cookie.",
		sets: []string{"Sticky.Path"}, parse: cookiePath,
	}, {
		Name: "session-cookie-domain", Type: "domain name", Default: "the host alone", Example: "example.com", needs: needCookie,
		Doc:  "Domain to which clients send the cookie.",
		sets: []string{"Sticky.Domain"}, parse: cookieDomain,
	}, {
		Name: "session-cookie-expires", Type: typeSeconds, Default: "none, a session cookie", Example: "86400", needs: needCookie,
		Doc:     "How long clients keep the cookie, told as Expires.",
		Differs: "0 and less, which would delete the cookie at once, are refused.",
		sets:    []string{"Sticky.Expires"}, parse: cookieExpires,
	}, {
		Name: "session-cookie-max-age", Type: typeSeconds, Default: "none, a session cookie", Example: "86400", needs: needCookie,
		Doc:     "How long clients keep the cookie, told as Max-Age; it beats Expires.",
		Differs: "0 and less, which would delete the cookie at once, are refused.",
		sets:    []string{"Sticky.MaxAge"}, parse: cookieSeconds,
	}, {
		Name: "session-cookie-samesite", Type: "None, Lax or Strict", Default: "no attribute", Example: "Lax", needs: needCookie,
		Doc:  "Which requests from other sites bring the cookie.",
		sets: []string{"SameSite"}, parse: choice(sameSites, func(d *draft, s http.SameSite) { d.SameSite = &s }),
	}, {
		Name: "session-cookie-secure", Type: typeBool, Default: "Secure on TLS connections", Example: "true", needs: needCookie,
		Doc:  "true sets Secure on every connection. false changes nothing, as in ingress-nginx.",
		sets: []string{"Sticky.Secure"}, parse: boolean(func(d *draft, b bool) {
			if b {
				d.Sticky.Secure = &b
			}
		}),
	}, {
		Name: "session-cookie-conditional-samesite-none", Type: typeBool, Default: "false", Example: "false", needs: needCookie,
		Doc:     "Would leave SameSite=None out for browsers of before 2020.",
		Differs: "The attribute is sent to every browser; true is told.",
		parse: boolean(func(d *draft, b bool) {
			if b {
				d.differs("SameSite is sent to every browser: those of before 2020, for which ingress-nginx leaves None out, are not told apart; remove the annotation")
			}
		}),
	}, {
		Name: "session-cookie-change-on-failure", Type: typeBool, Default: "false", Example: "true", needs: needCookie,
		Doc:  "true: after a failed attempt the client gets another endpoint and a new cookie. false: all attempts are made at the endpoint that the cookie names, as long as it takes sessions.",
		sets: []string{"ChangeOnFailure"}, parse: boolean(func(d *draft, b bool) { d.ChangeOnFailure = b }),
	},
}

var ourStickyRows = []Row{
	{
		Name: "sticky-cookie", Type: "cookie name, or off", Default: "off", Example: "FAIRLEAD",
		Doc:  "A cookie of this name sends a client back to its endpoint; it is set on every answer, the 101 too, and wins over balance.",
		sets: []string{"StickyOn", "Sticky.Name"}, parse: stickyCookie,
	}, {
		Name: "sticky-cookie-path", Type: "path", Default: "/", Example: "/socket", needs: needCookie,
		Doc:  "Path below which clients send the cookie.",
		sets: []string{"Sticky.Path"}, parse: cookiePath,
	}, {
		Name: "sticky-cookie-max-age", Type: typeDuration, Default: "0s, a session cookie", Example: "24h", needs: needCookie,
		Doc:  "How long clients keep the cookie.",
		sets: []string{"Sticky.MaxAge"}, parse: stickyMaxAge,
	}, {
		Name: "sticky-cookie-same-site", Type: "Lax, Strict or None", Default: "Lax", Example: "Strict", needs: needCookie,
		Doc:  "Which requests from other sites bring the cookie. Browsers take None over TLS only.",
		sets: []string{"SameSite"}, parse: choice(sameSites, func(d *draft, s http.SameSite) { d.SameSite = &s }),
	}, {
		Name: "sticky-cookie-mode", Type: "persistent or balanced", Default: "persistent", Example: "balanced", needs: needCookie,
		Doc:  "persistent: the cookie names the endpoint. balanced: it is a random hash key, and new endpoints get their fair share of returning clients.",
		sets: []string{"StickyMode"}, parse: choice(stickyModes, func(d *draft, m model.StickyMode) { d.StickyMode = &m }),
	},
}

func stickyCookie(value string, d *draft) error {
	if strings.EqualFold(value, "off") {
		d.StickyOn = false
		return nil
	}
	if err := cookieName(value); err != nil {
		return err
	}
	d.StickyOn, d.Sticky.Name = true, value
	return nil
}

func stickyMaxAge(value string, d *draft) error {
	length, err := duration(value)
	if err == nil {
		d.Sticky.MaxAge = length
	}
	return err
}

func cookieName(value string) error {
	if !token.MatchString(value) {
		return fmt.Errorf("%q is not a cookie's name: up to 128 letters, digits and - _ . ! # $ %% & * + ^ | ~", value)
	}
	return nil
}

// outsideCookie reports what may not stand in an attribute of Set-Cookie (RFC 6265 section 4.1.1).
func outsideCookie(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' }

func cookiePath(value string, d *draft) error {
	if !strings.HasPrefix(value, "/") || strings.ContainsFunc(value, outsideCookie) {
		return fmt.Errorf("%q is not a cookie's path: it starts with / and has no space and no semicolon", value)
	}
	d.Sticky.Path = value
	return nil
}

var domainName = regexp.MustCompile(`^\.?[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?(\.[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?)*$`)

func cookieDomain(value string, d *draft) error {
	if len(value) > 253 || !domainName.MatchString(value) {
		return fmt.Errorf("%q is not a domain name", value)
	}
	d.Sticky.Domain = value
	return nil
}

// cookieSeconds reads Max-Age of ingress-nginx: seconds, where 0 and less would delete the cookie at
// once.
func cookieSeconds(value string, d *draft) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number of seconds", value)
	}
	d.Sticky.MaxAge, err = wholeSeconds(n)
	return err
}

// maxExpires keeps the date of Expires within four digits of a year.
const maxExpires = 1000 * 365 * 24 * 60 * 60

// cookieExpires reads Expires of ingress-nginx, in seconds from now.
func cookieExpires(value string, d *draft) error {
	trial := draft{}
	if err := cookieSeconds(value, &trial); err != nil {
		return err
	}
	if trial.Sticky.MaxAge.Seconds() > maxExpires {
		return fmt.Errorf("%q seconds is too long: write at most %d", value, maxExpires)
	}
	d.Sticky.Expires = trial.Sticky.MaxAge
	return nil
}
