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
// query_string, request_method, remote_addr, binary_remote_addr, remote_user, arg_NAME, cookie_NAME and http_NAME.
func Parsed(text string) (Template, error) { return Parse(text, IsRequest) }

// IsRequest reports whether a request has the variable.
func IsRequest(variable string) bool {
	_, plain := plainVariables[variable]
	_, _, family := family(variable)
	return plain || family
}

// plainVariables are those whose name is fixed.
var plainVariables = map[string]func(r *Request) string{
	"scheme":              (*Request).scheme,
	"pass_access_scheme":  (*Request).scheme,
	"host":                (*Request).hostname,
	"best_http_host":      func(r *Request) string { return r.Host },
	"http_host":           func(r *Request) string { return r.Host },
	"server_name":         (*Request).hostname,
	"request_uri":         (*Request).uri,
	"escaped_request_uri": func(r *Request) string { return url.QueryEscape(r.uri()) },
	"uri":                 func(r *Request) string { return r.URL.Path },
	"args":                func(r *Request) string { return r.URL.RawQuery },
	"query_string":        func(r *Request) string { return r.URL.RawQuery },
	"request_method":      func(r *Request) string { return r.Method },
	"remote_addr":         (*Request).address,
	"binary_remote_addr":  (*Request).address,
	"remote_user":         (*Request).user,
}

// Value returns what a variable stands for: "" when the request has no such thing. As in nginx,
// arguments and cookies are as the client wrote them, with their escapes; the first of a name counts,
// in any case. Several lines of a header are joined with ", ".
func (r *Request) Value(variable string) string {
	if value := plainVariables[variable]; value != nil {
		return value(r)
	}
	kind, name, _ := family(variable)
	switch kind {
	case "arg":
		return named(r.URL.RawQuery, name, '&')
	case "cookie":
		for _, line := range r.Header["Cookie"] {
			if value := named(line, name, ';'); value != "" {
				return value
			}
		}
	case "http":
		switch lines := r.lines(name); len(lines) {
		case 0:
		case 1:
			return lines[0]
		default:
			return strings.Join(lines, ", ")
		}
	}
	return ""
}

// family cuts the variables that have a name in them.
func family(variable string) (kind, name string, found bool) {
	kind, name, found = strings.Cut(variable, "_")
	return kind, name, found && name != "" && (kind == "arg" || kind == "cookie" || kind == "http")
}

// named returns the value of the first "name=value" in a list.
func named(list, name string, separator byte) string {
	for list != "" {
		pair := list
		if i := strings.IndexByte(list, separator); i >= 0 {
			pair, list = list[:i], list[i+1:]
		} else {
			list = ""
		}
		pair = strings.TrimLeft(pair, " ")
		if len(pair) > len(name) && pair[len(name)] == '=' && strings.EqualFold(pair[:len(name)], name) {
			return strings.TrimRight(pair[len(name)+1:], " ")
		}
	}
	return ""
}

// lines returns the lines of a header in the spelling of a variable, where underscores stand for
// dashes.
func (r *Request) lines(name string) []string {
	var buffer [64]byte
	canonical := append(buffer[:0], name...)
	upper := true
	for i, c := range canonical {
		switch {
		case c == '_':
			canonical[i] = '-'
		case upper && 'a' <= c && c <= 'z', !upper && 'A' <= c && c <= 'Z':
			canonical[i] = c ^ 0x20
		}
		upper = c == '_'
	}
	return r.Header[string(canonical)]
}

func (r *Request) scheme() string {
	if r.Secure {
		return "https"
	}
	return "http"
}

// user returns the name that the client gives with its password (RFC 7617), whether right or wrong.
func (r *Request) user() string {
	name, _, _ := r.BasicAuth()
	return name
}

// hostname returns the host in lower case, without port and root dot. IPv6 addresses keep their
// brackets.
func (r *Request) hostname() string {
	host := r.Host
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if _, _, err := net.SplitHostPort(host); err == nil {
			host = host[:i]
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// uri returns path and query as the client wrote them, without the host of an absolute form
// (RFC 9112 section 3.2.2).
func (r *Request) uri() string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func (r *Request) address() string {
	if !r.Client.IsValid() {
		return ""
	}
	return r.Client.String()
}
