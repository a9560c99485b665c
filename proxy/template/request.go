package template

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Request is what the variables of a request stand for.
type Request struct {
	*http.Request
	Client netip.Addr
	Secure bool // the client speaks TLS, to us or to a trusted proxy
}

// Parsed is Parse with the variables of a request, which have the names and meanings of nginx's:
// scheme, host, http_host, server_name, request_uri, escaped_request_uri (of ingress-nginx), uri, args,
// query_string, request_method, remote_addr, binary_remote_addr, arg_NAME, cookie_NAME and http_NAME.
func Parsed(text string) (Template, error) { return Parse(text, IsRequest) }

// IsRequest reports whether a request has the variable.
func IsRequest(variable string) bool {
	_, plain := plainVariables[variable]
	_, _, family := family(variable)
	return plain || family
}

// plainVariables are those whose name is fixed.
var plainVariables = map[string]func(r *Request) string{
	"scheme":              func(r *Request) string { return r.scheme() },
	"pass_access_scheme":  func(r *Request) string { return r.scheme() },
	"host":                func(r *Request) string { return r.hostname() },
	"best_http_host":      func(r *Request) string { return r.Host },
	"http_host":           func(r *Request) string { return r.Host },
	"server_name":         func(r *Request) string { return r.hostname() },
	"request_uri":         func(r *Request) string { return r.RequestURI },
	"escaped_request_uri": func(r *Request) string { return url.QueryEscape(r.RequestURI) },
	"uri":                 func(r *Request) string { return r.URL.Path },
	"args":                func(r *Request) string { return r.URL.RawQuery },
	"query_string":        func(r *Request) string { return r.URL.RawQuery },
	"request_method":      func(r *Request) string { return r.Method },
	"remote_addr":         func(r *Request) string { return r.Client.String() },
	"binary_remote_addr":  func(r *Request) string { return r.Client.String() },
}

// Value returns what a variable stands for: "" when the request has no such thing.
func (r *Request) Value(variable string) string {
	if value := plainVariables[variable]; value != nil {
		return value(r)
	}
	kind, name, _ := family(variable)
	switch kind {
	case "arg":
		return r.URL.Query().Get(name)
	case "cookie":
		if c, err := r.Cookie(name); err == nil {
			return c.Value
		}
	case "http":
		// nginx writes a header's dashes as underscores in the names of its variables.
		return strings.Join(r.Header.Values(strings.ReplaceAll(name, "_", "-")), ", ")
	}
	return ""
}

// family cuts the variables that have a name in them.
func family(variable string) (kind, name string, found bool) {
	kind, name, found = strings.Cut(variable, "_")
	return kind, name, found && name != "" && (kind == "arg" || kind == "cookie" || kind == "http")
}

func (r *Request) scheme() string {
	if r.Secure {
		return "https"
	}
	return "http"
}

// hostname returns the host in lower case and without port.
func (r *Request) hostname() string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}
