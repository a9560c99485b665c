package annotations

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// Defaults of ingress-nginx.
const (
	nginxAuthCache   = 5 * time.Minute
	nginxSignInParam = "rd"
)

var nginxAuthRows = slices.Concat(nginxServiceRows, needless("Connections to the service are kept as long as they are of use.",
	"auth-keepalive", "auth-keepalive-requests", "auth-keepalive-share-vars", "auth-keepalive-timeout"))

// enable-global-auth and auth-url stand first: they do away with a service of the class parameters.
var nginxServiceRows = []Row{
	{
		Name: "enable-global-auth", Type: typeBool, Default: "true", Example: "true", Guards: true,
		Doc:  "false does away with the service that the parameters of the IngressClass name.",
		sets: []string{"External.URL"}, parse: boolean(func(d *draft, on bool) {
			if !on {
				d.External, d.AuthHeaders, d.AuthCache = model.ExternalAuth{}, nil, nil
			}
		}),
	}, {
		Name: "auth-url", Type: "URL with variables", Default: "none", Example: "http://auth.prod.svc.cluster.local/check?path=$escaped_request_uri", Guards: true,
		Doc:     "An HTTP service that is asked about every request: 2xx lets it in, 401 and 403 refuse it, anything else is 500. It gets the headers of the client and X-Original-URL, X-Original-Method, X-Real-IP, X-Forwarded-For and X-Auth-Request-Redirect.",
		Differs: "Of the headers of a handshake it gets Sec-WebSocket-Protocol, but not Upgrade, Connection and the other Sec-WebSocket-*. It must answer within 5s.",
		WhenSet: true,
		sets:    []string{"External.URL", "External.Method"}, parse: authURL,
	}, {
		Name: "auth-method", Type: "HTTP method", Default: "GET", Example: "HEAD", Guards: true, needs: needService,
		Doc:  "Method of the question.",
		sets: []string{"External.Method"}, parse: authMethod,
	}, {
		Name: "auth-response-headers", Type: typeHeaders, Default: "none", Example: "X-Auth-User, X-Auth-Groups", Guards: true, needs: needService,
		Doc:  "Headers of the service's answer that go on to the endpoint, in place of the client's.",
		sets: []string{"External.ResponseHeaders"}, parse: headerNames(func(d *draft, l []string) { d.External.ResponseHeaders = l }),
	}, {
		Name: "auth-proxy-set-headers", Type: typeSecret, Default: "none", Example: "auth-headers", Guards: true, needs: needService,
		Doc:  "A ConfigMap with headers that are sent with the question.",
		sets: []string{"AuthHeaders"}, parse: reference(NginxPrefix+"auth-proxy-set-headers", func(d *draft, r *Ref) { d.AuthHeaders = r }),
	}, {
		Name: "auth-request-redirect", Type: "text with variables", Default: "the request's URI", Example: "https://$host$request_uri", needs: needService,
		Doc:  "The value of X-Auth-Request-Redirect.",
		sets: []string{"External.RequestRedirect"}, parse: templated(func(d *draft, s string) { d.External.RequestRedirect = s }),
	}, {
		Name: "auth-signin", Type: "URL with variables", Default: "none", Example: "https://login.example.com/start", needs: needService,
		Doc:     "Where a plain request that the service answers 401 is sent to (302).",
		Differs: "A WebSocket handshake gets the 401 and never a redirect, since its client would not follow.",
		WhenSet: true,
		sets:    []string{"External.SignIn"}, parse: signIn,
	}, {
		Name: "auth-signin-redirect-param", Type: "name of a query parameter", Default: nginxSignInParam, Example: "return_to", needs: needSignIn,
		Doc:  "Parameter of auth-signin in which the page to come back to is told.",
		sets: []string{"External.SignInParam"}, parse: paramName,
	}, {
		Name: "auth-always-set-cookie", Type: typeBool, Default: "false", Example: "true", needs: needService,
		Doc:  "Passes cookies of the service to the client whatever the endpoint answers.",
		sets: []string{"External.AlwaysSetCookie"}, parse: boolean(func(d *draft, b bool) { d.External.AlwaysSetCookie = b }),
	}, {
		Name: "auth-cache-key", Type: "text with variables", Default: "none, nothing is remembered", Example: "$remote_user$http_authorization", needs: needService,
		Doc:  "Requests of equal keys get the same answer, without the service being asked again. The variables are those of upstream-hash-by, and $remote_user.",
		sets: []string{"External.CacheKey"}, parse: templated(func(d *draft, s string) { d.External.CacheKey = s }),
	}, {
		Name: "auth-cache-duration", Type: "list of statuses and a time", Default: "200 202 401 5m", Example: "200 202 10m, 401 1m", needs: needCacheKey,
		Doc:  "How long answers are remembered, by status.",
		sets: []string{"External.CacheFor"}, parse: cacheDurations,
	},
}

// maxTemplate bounds a text with variables, as the URL in a WebSocketRoute.
const maxTemplate = 2048

var ourAuthRows = []Row{
	{
		Name: "external-auth-url", Type: "URL with variables", Default: "none", Example: "http://auth.prod.svc.cluster.local/check", Guards: true,
		Doc:  "An HTTP service that is asked about every request: 2xx lets it in, 401 and 403 refuse it, anything else is 500. The variables are those of upstream-hash-by and $escaped_request_uri.",
		sets: []string{"External.URL"}, parse: externalURL,
	}, {
		Name: "external-auth-timeout", Type: typeDuration, Default: "5s", Example: "2s", needs: needService,
		Doc:  "Longest time to the head of its answer.",
		sets: []string{"External.Timeout"}, parse: ours(func(d *draft, t model.Timeout) { d.External.Timeout = t }),
	}, {
		Name: "external-auth-response-headers", Type: typeHeaders, Default: "none", Example: "X-Auth-User", Guards: true, needs: needService,
		Doc:  "Headers of its answer that go on to the endpoint, in place of the client's, up to 32.",
		sets: []string{"External.ResponseHeaders"}, parse: headerNames(func(d *draft, l []string) { d.External.ResponseHeaders = l }),
	}, {
		Name: "external-auth-cache-key", Type: "text with variables", Default: "none, nothing is remembered", Example: "$cookie_session", needs: needService,
		Doc:  "Requests of equal keys get the same answer, without the service being asked again.",
		sets: []string{"External.CacheKey"}, parse: templated(func(d *draft, s string) { d.External.CacheKey = s }),
	}, {
		Name: "external-auth-cache-duration", Type: typeDuration, Default: "5m", Example: "1m", needs: needCacheKey,
		Doc:  "How long an answer of 2xx, 401 or 403 is remembered.",
		sets: []string{"AuthCache"}, parse: func(value string, d *draft) error {
			length, err := duration(value)
			if err == nil {
				d.AuthCache = &length
			}
			return err
		},
	},
}

// authURL reads the service of ingress-nginx, which takes the place of all that was said of another.
func authURL(value string, d *draft) error {
	if err := checkURL(value); err != nil {
		return err
	}
	d.External, d.AuthHeaders, d.AuthCache = model.ExternalAuth{URL: value, Method: http.MethodGet}, nil, nil
	return nil
}

func externalURL(value string, d *draft) error {
	err := checkURL(value)
	if err == nil {
		d.External.URL = value
	}
	return err
}

func signIn(value string, d *draft) error {
	err := checkURL(value)
	if err == nil {
		d.External.SignIn = value
	}
	return err
}

// checkURL has a text with variables be an http or https URL with a host, for some value of them.
func checkURL(value string) error {
	parsed, err := template.Parsed(value)
	if err != nil {
		return err
	}
	u, err := url.Parse(parsed.Expand(func(variable string) string {
		switch variable {
		case "scheme", "pass_access_scheme":
			return "https"
		case "request_uri", "uri":
			return "/1"
		}
		return "1"
	}))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsFunc(value, isControl) {
		return fmt.Errorf("%q is not a URL with http:// or https:// and a host", value)
	}
	return nil
}

// templated reads a text with variables.
func templated(set func(*draft, string)) parser {
	visible := text(maxTemplate, set)
	return func(value string, d *draft) error {
		if _, err := template.Parsed(value); err != nil {
			return err
		}
		return visible(value, d)
	}
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func authMethod(value string, d *draft) error {
	if !slices.Contains(methods, value) {
		return fmt.Errorf("%q is none of the methods %s", value, strings.Join(methods, ", "))
	}
	d.External.Method = value
	return nil
}

func paramName(value string, d *draft) error {
	if !token.MatchString(value) || strings.ContainsAny(value, "&#%+") {
		return fmt.Errorf("%q is not the name of a query parameter", value)
	}
	d.External.SignInParam = value
	return nil
}

// cacheDurations reads a list such as "200 202 10m, 401 1m". Without a status a time is for 200, 301
// and 302, as nginx has it, and any stands for all.
func cacheDurations(value string, d *draft) error {
	parts, err := list(value)
	if err != nil {
		return err
	}
	answers := make(map[int]time.Duration)
	for _, part := range parts {
		words := strings.Fields(part)
		length, err := nginxTime(words[len(words)-1])
		if err != nil {
			return err
		}
		for _, word := range words[:len(words)-1] {
			status, err := strconv.Atoi(word)
			switch {
			case word == "any":
				status = 0
			case err != nil || status < 100 || status > 599:
				return fmt.Errorf("%q is neither a status nor any, in %q", word, part)
			}
			answers[status] = length
		}
		if len(words) == 1 {
			answers[200], answers[301], answers[302] = length, length, length
		}
	}
	d.External.CacheFor = answers
	return nil
}
