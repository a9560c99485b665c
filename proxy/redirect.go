package proxy

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// redirect answers for a route that is a redirect; nil: it is none.
func (x *exchange) redirect() error {
	to := x.hit.Route.Redirect
	if to == nil {
		return nil
	}
	if x.hit.Route.Location.String() == "" {
		return &model.Refusal{Status: http.StatusServiceUnavailable, Reason: model.NoEndpoint,
			Detail: "where this route redirects to is not understood"}
	}
	at := location(x.hit.Route.Location, &template.Request{Request: x.r, Client: x.client.Address, Secure: x.client.Secure})
	return &model.Refusal{
		Status: to.Status, Reason: model.Redirected, Detail: at,
		Header: map[string]string{"Location": at},
	}
}

// location expands the Location of a redirect. Where it leads is the template's to say: what a client
// wrote into its request can't change the host, end the header or begin another.
//
// A template that begins with "http://", "https://", "ws://", "wss://" or "$scheme://" leads to the
// host that follows; every other one leads to a path of the host that was asked, with one slash at its
// beginning: "//" and "/\\" would begin the name of a host (WHATWG URL standard, section 4.4).
func location(t template.Template, r *template.Request) string {
	absolute := leadsToHost(t.String())
	at := t.Append(nil, func(b []byte, variable string) []byte {
		value := written(variable, r)
		switch {
		case !absolute || !inAuthority(b):
			return appendEscaped(b, value, inURL)
		case variable == "host" || variable == "http_host" || variable == "best_http_host" || variable == "server_name":
			return appendEscaped(b, value, inHost)
		case strings.HasPrefix(value, "/") && b[len(b)-1] != '/': // the path begins
		case inLabel(b[len(b)-1]) && !bytes.HasSuffix(b, []byte(".")) && !bytes.HasSuffix(b, []byte("-")):
			b = append(b, '/') // so that "https://example.com$arg_x" never leads to example.com.evil.example
		default:
			return appendEscaped(b, value, inLabel) // a label of the host
		}
		return appendEscaped(b, value, inURL)
	})
	if !absolute {
		at = append([]byte{'/'}, bytes.TrimLeft(at, "/\\")...)
	}
	return string(appendEscaped(nil, string(at), inURL)) // of the template's own text
}

// leadsToHost reports whether a template says by itself that a host follows.
func leadsToHost(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	switch scheme {
	case "http", "https", "ws", "wss", "$scheme", "${scheme}", "$pass_access_scheme", "${pass_access_scheme}":
		return found
	}
	return false
}

// inAuthority reports whether the host has begun and not ended (RFC 3986 section 3.2).
func inAuthority(b []byte) bool {
	_, behind, found := bytes.Cut(b, []byte("://"))
	return found && !bytes.ContainsAny(behind, "/?#")
}

// written returns what a variable stands for, as it may stand in a URL.
func written(variable string, r *template.Request) string {
	if variable == "uri" {
		return (&url.URL{Path: r.URL.Path}).EscapedPath() // the others have their escapes
	}
	return r.Value(variable)
}

// appendEscaped appends the value with all bytes but those that are allowed percent-encoded
// (RFC 3986 section 2.1).
func appendEscaped(b []byte, value string, allowed func(byte) bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(value) {
		if c := value[i]; allowed(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// inURL are the bytes that a URL is written with.
func inURL(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune("\"<>\\^`{|}", rune(c))
}

// inLabel are the bytes of host names; inHost has those of ports and IPv6 addresses too.
func inLabel(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '.' || c == '_'
}

func inHost(c byte) bool { return inLabel(c) || c == ':' || c == '[' || c == ']' }
