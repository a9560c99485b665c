package annotations

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/fairlead/fairlead/proxy/model"
)

// Fallbacks of ingress-nginx, in seconds: what it uses for a timeout that it can't read.
const (
	nginxConnectSeconds = 5
	nginxReadSeconds    = 60
	nginxSendSeconds    = 60
)

// nginxRows are the annotations of ingress-nginx that count here, with its units and meanings.
// load-balance stands before upstream-hash-by and -expires before -max-age: the later one wins,
// as it does there.
var nginxRows = prefixed(NginxPrefix, []Row{
	{
		Name: "proxy-connect-timeout", Type: typeSeconds, Default: "5", Example: "10",
		Doc:   "Longest time for the connection to one endpoint; as fairlead.dev/connect-timeout.",
		sets:  []string{"Timeouts.Connect"},
		parse: nginxSeconds(nginxConnectSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Connect = t }),
	}, {
		Name: "proxy-read-timeout", Type: typeSeconds, Default: "10 for the handshake, 3600 for an idle session (ingress-nginx: 60 for both)", Example: "3600",
		Doc:   "Longest time to the head of the endpoint's answer, and the longest time without a byte in either direction of a session; as fairlead.dev/handshake-timeout and fairlead.dev/idle-timeout.",
		sets:  []string{"Timeouts.Handshake", "Timeouts.Idle"},
		parse: nginxSeconds(nginxReadSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Handshake, d.Timeouts.Idle = t, t }),
	}, {
		Name: "proxy-send-timeout", Type: typeSeconds, Default: "60", Example: "120",
		Doc:   "Longest time that a write may be blocked; not an idle timeout. As fairlead.dev/stall-timeout.",
		sets:  []string{"Timeouts.Stall"},
		parse: nginxSeconds(nginxSendSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Stall = t }),
	}, {
		Name: "load-balance", Type: "round_robin", Default: "round_robin", Example: "round_robin",
		Doc:  "How an endpoint is chosen. ewma is not supported: fairlead.dev/balance: least-sessions suits sockets better.",
		sets: []string{"Balance.Algorithm"}, parse: loadBalance,
	}, {
		Name: "upstream-hash-by", Type: "one nginx variable", Default: "none", Example: "$remote_addr",
		Doc:  "Chooses the endpoint by hash of $remote_addr, $binary_remote_addr, $host, $http_host, $server_name, $request_uri, $uri, $arg_NAME, $cookie_NAME or $http_NAME. Combinations of several are not supported.",
		sets: []string{"Balance.HashOn", "Balance.Algorithm"}, parse: upstreamHashBy,
	}, {
		Name: "affinity", Type: "cookie", Default: "none", Example: "cookie",
		Doc:   "A cookie sends a client back to its endpoint; it is set on every answer, the 101 too.",
		sets:  []string{"StickyOn", "Affinity"},
		parse: choice([]option[bool]{{"cookie", true}}, func(d *draft, on bool) { d.StickyOn, d.Affinity = on, on }),
	}, {
		Name: "affinity-mode", Type: "balanced or persistent", Default: "balanced", Example: "persistent", needsCookie: true,
		Doc:  "balanced: new endpoints get their share of returning clients. persistent: clients stay until their endpoint is gone.",
		sets: []string{"StickyMode"}, parse: choice(stickyModes, func(d *draft, m model.StickyMode) { d.StickyMode = &m }),
	}, {
		Name: "session-cookie-name", Type: "cookie name", Default: nginxCookieName, Example: "route", needsCookie: true,
		Doc:  "Name of the cookie. Values that ingress-nginx set are not understood: clients get a new one.",
		sets: []string{"Sticky.Name"}, parse: func(value string, d *draft) (string, error) {
			d.Sticky.Name = value
			return "", cookieName(value)
		},
	}, {
		Name: "session-cookie-path", Type: "path", Default: "the matched path; / with regular expressions", Example: "/", needsCookie: true,
		Doc:  "Path below which clients send the cookie.",
		sets: []string{"Sticky.Path"}, parse: cookiePath,
	}, {
		Name: "session-cookie-domain", Type: "domain name", Default: "the host alone", Example: "example.com", needsCookie: true,
		Doc:  "Domain to which clients send the cookie.",
		sets: []string{"Sticky.Domain"}, parse: cookieDomain,
	}, {
		Name: "session-cookie-expires", Type: typeSeconds, Default: "none, a session cookie", Example: "86400", needsCookie: true,
		Doc:  "How long clients keep the cookie; set as Max-Age.",
		sets: []string{"Sticky.MaxAge"}, parse: cookieSeconds,
	}, {
		Name: "session-cookie-max-age", Type: typeSeconds, Default: "none, a session cookie", Example: "86400", needsCookie: true,
		Doc:  "How long clients keep the cookie.",
		sets: []string{"Sticky.MaxAge"}, parse: cookieSeconds,
	}, {
		Name: "session-cookie-samesite", Type: "None, Lax or Strict", Default: "no attribute", Example: "Lax", needsCookie: true,
		Doc:  "Which requests from other sites bring the cookie.",
		sets: []string{"SameSite"}, parse: choice(sameSites, func(d *draft, s http.SameSite) { d.SameSite = &s }),
	}, {
		Name: "session-cookie-secure", Type: typeBool, Default: "Secure on TLS connections", Example: "true", needsCookie: true,
		Doc:  "true sets Secure on every connection. false changes nothing, as in ingress-nginx.",
		sets: []string{"Sticky.Secure"}, parse: boolean(func(d *draft, b bool) {
			if b {
				d.Sticky.Secure = &b
			}
		}),
	}, {
		Name: "session-cookie-conditional-samesite-none", Type: "false", Default: "false", Example: "false",
		Doc:   "Would leave SameSite=None out for browsers of before 2020. Remove it.",
		parse: onlyFalse("the attribute is sent to every browser"),
	}, {
		Name: "session-cookie-change-on-failure", Type: "false", Default: "false", Example: "false",
		Doc:   "Would set a new cookie after a failed attempt. Remove it.",
		parse: onlyFalse("a client gets a new cookie when its endpoint is gone"),
	}, {
		Name: "use-regex", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Makes every path of the host a case-insensitive regular expression, matched from the beginning; the longest expression counts. The syntax is RE2: no look-around, no back-references.",
		sets: []string{"UseRegex"}, parse: boolean(func(d *draft, b bool) { d.UseRegex = b }),
	}, {
		Name: "rewrite-target", Type: "path with $1 to $9", Default: "the path stays", Example: "/$2",
		Doc:  "New path of a request; $1 to $9 stand for groups of the path's expression. Implies use-regex for the host. The query stays.",
		sets: []string{"RewriteTarget"}, parse: rewriteTarget,
	}, {
		Name: "upstream-vhost", Type: "host", Default: "the client's Host", Example: "chat.internal",
		Doc:  "New Host header of a request; as fairlead.dev/rewrite-host.",
		sets: []string{"RewriteHost"}, parse: rewriteHost,
	}, {
		Name: "backend-protocol", Type: "HTTP or HTTPS", Default: "appProtocol of the Service port, else HTTP", Example: "HTTPS",
		Doc:  "HTTPS speaks TLS to the endpoints; their certificates are not verified. AUTO_HTTP, GRPC, GRPCS and FCGI are not supported.",
		sets: []string{"Scheme"}, parse: nginxBackendProtocol,
	}, {
		Name: "ssl-redirect", Type: typeBool, Default: "true", Example: "false",
		Doc:  "Answers plain HTTP requests with 308 to https where the Ingress has TLS for the host. WebSocket upgrades are served, because their clients don't follow redirects.",
		sets: []string{"Redirect"}, parse: boolean(func(d *draft, b bool) {
			if d.Redirect = RedirectNever; b {
				d.Redirect = RedirectWithTLS
			}
		}),
	}, {
		Name: "force-ssl-redirect", Type: typeBool, Default: "false", Example: "true",
		Doc:  "As ssl-redirect, for hosts without TLS too; as fairlead.dev/ssl-redirect: always.",
		sets: []string{"Redirect"}, parse: boolean(func(d *draft, b bool) {
			if b {
				d.Redirect = RedirectAlways
			}
		}),
	}, {
		Name: "proxy-http-version", Type: "1.1", Default: "1.1", Example: "1.1",
		Doc: "Endpoints are always spoken to in HTTP/1.1.",
		parse: func(value string, _ *draft) (string, error) {
			if value != "1.1" {
				return "", fmt.Errorf("HTTP %q towards endpoints is %w: WebSocket upgrades need 1.1", value, errUnsupported)
			}
			return "", nil
		},
	}, {
		Name: "proxy-body-size", Type: "0", Default: "no limit (ingress-nginx: 1m)", Example: "0",
		Doc: "The bodies of requests are not limited; it was never a limit for WebSocket messages.",
		parse: func(value string, _ *draft) (string, error) {
			if value != "0" {
				return "", fmt.Errorf("a limit for the bodies of requests is %w: have the application limit them, and remove the annotation", errUnsupported)
			}
			return "", nil
		},
	},
})

func loadBalance(value string, d *draft) (string, error) {
	if value != "round_robin" {
		return "", fmt.Errorf("%q is %w: write fairlead.dev/balance: least-sessions, which counts open sockets", value, errUnsupported)
	}
	d.Balance.Algorithm = model.RoundRobin
	return "", nil
}

func nginxBackendProtocol(value string, d *draft) (string, error) {
	switch plain(value) {
	case "http":
		d.Scheme = new(model.Plain)
	case "https":
		d.Scheme = new(model.Secure)
	case "auto_http", "grpc", "grpcs", "fcgi":
		return "", fmt.Errorf("%q is %w: write HTTP or HTTPS", value, errUnsupported)
	default:
		return "", fmt.Errorf("%q is neither HTTP nor HTTPS", value)
	}
	return "", nil
}

// onlyFalse reads a switch that is not served: off, it changes nothing.
func onlyFalse(instead string) parser {
	return func(value string, _ *draft) (string, error) {
		on, err := strconv.ParseBool(value)
		switch {
		case err != nil:
			return "", fmt.Errorf("%q is neither true nor false", value)
		case on:
			return "", fmt.Errorf("true is %w: %s; remove the annotation", errUnsupported, instead)
		}
		return "", nil
	}
}
