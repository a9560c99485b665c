package annotations

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// force-ssl-redirect stands behind ssl-redirect, because it wins.
var nginxRedirectRows = []Row{
	{
		Name: "ssl-redirect", Type: typeBool, Default: "true", Example: "false",
		Doc:     "Answers plain HTTP requests with 308 to https where the Ingress has TLS for the host. /.well-known/acme-challenge is served.",
		Differs: "WebSocket handshakes in the clear are served, because their clients don't follow redirects; fairlead.dev/insecure-websocket changes that.",
		WhenSet: true,
		sets:    []string{"Redirect"}, parse: boolean(func(d *draft, b bool) {
			if d.Redirect = RedirectNever; b {
				d.Redirect = RedirectWithTLS
			}
		}),
	}, {
		Name: "force-ssl-redirect", Type: typeBool, Default: "false", Example: "true",
		Doc:     "As ssl-redirect, for hosts without TLS too; as fairlead.dev/ssl-redirect: always.",
		Differs: "As ssl-redirect.",
		WhenSet: true,
		sets:    []string{"Redirect"}, parse: boolean(func(d *draft, b bool) {
			if b {
				d.Redirect = RedirectAlways
			}
		}),
	}, {
		Name: "preserve-trailing-slash", Type: typeBool, Default: "true", Example: "true",
		Doc:     "The redirect to https keeps the path as it is.",
		Differs: "A slash at the path's end is always kept; there, only with true.",
		parse:   boolean(func(*draft, bool) {}),
	}, {
		Name: "permanent-redirect", Type: "URL or path, with variables", Default: "none", Example: "https://chat.example.com$request_uri", PerObject: true,
		Doc:  "Answers every request with a redirect.",
		sets: []string{"Permanent"}, parse: location(func(d *draft, s string) { d.Permanent = s }),
	}, {
		Name: "permanent-redirect-code", Type: "301, 302, 303, 307 or 308", Default: "301", Example: "308", needs: needPermanent, PerObject: true,
		Doc:     "Status of permanent-redirect.",
		Differs: "300, 304, 305 and 306, which lead nowhere, are refused.",
		sets:    []string{"PermanentAs"}, parse: redirectStatus(func(d *draft, n int) { d.PermanentAs = n }),
	}, {
		Name: "temporal-redirect", Type: "URL or path, with variables", Default: "none", Example: "https://status.example.com/", PerObject: true,
		Doc:  "Answers every request with a redirect; it wins over permanent-redirect.",
		sets: []string{"Temporal"}, parse: location(func(d *draft, s string) { d.Temporal = s }),
	}, {
		Name: "temporal-redirect-code", Type: "301, 302, 303, 307 or 308", Default: "302", Example: "307", needs: needTemporal, PerObject: true,
		Doc:     "Status of temporal-redirect.",
		Differs: "300, 304, 305 and 306, which lead nowhere, are refused.",
		sets:    []string{"TemporalAs"}, parse: redirectStatus(func(d *draft, n int) { d.TemporalAs = n }),
	}, {
		Name: "from-to-www-redirect", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Redirects www.HOST to HOST, or HOST to www.HOST, whichever no Ingress serves (308).",
		sets: []string{"FromToWWW"}, parse: boolean(func(d *draft, b bool) { d.FromToWWW = b }),
	}, {
		Name: "app-root", Type: "path", Default: "none", Example: "/chat", PerObject: true,
		Doc:  "Redirects / of the hosts to this path (302).",
		sets: []string{"AppRoot"}, parse: appRoot,
	},
}

var (
	redirects        = []option[Redirect]{{"true", RedirectWithTLS}, {"false", RedirectNever}, {"always", RedirectAlways}}
	insecureUpgrades = []option[model.InsecureUpgrade]{
		{"serve", model.ServeInsecure}, {"refuse", model.RefuseInsecure}, {"redirect", model.RedirectInsecure},
	}
	minVersions = []option[uint16]{
		{"1.2", tls.VersionTLS12}, {"1.3", tls.VersionTLS13}, {"TLSv1.2", tls.VersionTLS12}, {"TLSv1.3", tls.VersionTLS13},
	}
)

var ourRedirectRows = []Row{
	{
		Name: "ssl-redirect", Type: "true, false or always", Default: "true", Example: "false",
		Doc:  "Answers plain HTTP requests with 308 to https: true where the Ingress has TLS for the host, always everywhere.",
		sets: []string{"Redirect"}, parse: choice(redirects, func(d *draft, r Redirect) { d.Redirect = r }),
	}, {
		Name: "insecure-websocket", Type: "serve, refuse or redirect", Default: "serve", Example: "refuse",
		Doc:  "What becomes of WebSocket handshakes in the clear where ssl-redirect redirects requests. refuse: 426 and a word that wss is needed. redirect: 308, which browsers don't follow.",
		sets: []string{"InsecureUpgrade"}, parse: choice(insecureUpgrades, func(d *draft, i model.InsecureUpgrade) { d.InsecureUpgrade = i }),
	}, {
		Name: "tls-min-version", Type: "1.2 or 1.3", Default: "1.2", Example: "1.3", Guards: true,
		Doc:  "Lowest TLS version for clients of the Ingress's hosts; of several Ingresses the highest counts.",
		sets: []string{"MinTLS"}, parse: choice(minVersions, func(d *draft, v uint16) { d.MinTLS = v }),
	},
}

// location reads where a redirect leads to.
func location(set func(*draft, string)) parser {
	return func(value string, d *draft) error {
		if !strings.HasPrefix(value, "/") {
			if err := checkURL(value); err != nil {
				return err
			}
		}
		if _, err := template.Parsed(value); err != nil {
			return err
		}
		if len(value) > maxTemplate || strings.ContainsFunc(value, isControl) {
			return fmt.Errorf("%q has a space or control character, or is longer than %d", value, maxTemplate)
		}
		set(d, value)
		return nil
	}
}

var redirectStatuses = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

func redirectStatus(set func(*draft, int)) parser {
	return func(value string, d *draft) error {
		status, err := strconv.Atoi(value)
		if err != nil || !slices.Contains(redirectStatuses, status) {
			return fmt.Errorf("%q is not one of 301, 302, 303, 307 and 308", value)
		}
		set(d, status)
		return nil
	}
}

func appRoot(value string, d *draft) error {
	if !strings.HasPrefix(value, "/") || value == "/" || strings.ContainsFunc(value, isControl) || strings.HasPrefix(value, "//") {
		return fmt.Errorf("%q is not a path below /", value)
	}
	d.AppRoot = value
	return nil
}

// settledRedirect returns what answers in place of everything else, if anything does.
func (d *draft) settledRedirect() *model.Redirect {
	to, status, fallback := d.Temporal, d.TemporalAs, http.StatusFound
	if to == "" {
		to, status, fallback = d.Permanent, d.PermanentAs, http.StatusMovedPermanently
	}
	if to == "" {
		return nil
	}
	if status == 0 {
		status = fallback
	}
	return &model.Redirect{Status: status, Location: to}
}
