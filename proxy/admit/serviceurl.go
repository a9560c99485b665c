package admit

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// validService refuses a URL that would let clients choose whom is asked.
func validService(t template.Template, matches []model.Match) error {
	example := t.Expand(func(variable string) string {
		if isScheme(variable) {
			return "https"
		}
		return "x"
	})
	if u, err := url.Parse(example); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no http or https URL", t)
	}
	_, behind, _ := strings.Cut(t.String(), "://")
	authority, _, _ := strings.Cut(strings.SplitN(behind, "?", 2)[0], "/")
	named, err := template.Parsed(authority)
	if err != nil {
		return err
	}
	for variable := range named.Variables {
		if !isHost(variable) {
			return fmt.Errorf("in %q, $%s would let clients choose who is asked about them", t, variable)
		}
		for _, m := range matches {
			if m.Host == "" {
				return fmt.Errorf("%q asks at the host of the request, and this route is for any host: whoever names a host of his own would be let in", t)
			}
		}
	}
	return nil
}

func isScheme(variable string) bool { return variable == "scheme" || variable == "pass_access_scheme" }

func isHost(variable string) bool {
	switch variable {
	case "host", "server_name", "http_host", "best_http_host":
		return true
	}
	return false
}

// serviceURL expands the URL of a service. What a client wrote fills the place of its variable and no
// other: it can't end the path or the parameter that it stands in, cut off what the template says behind
// it, nor choose a port, behind which somebody else may answer.
func serviceURL(t template.Template, vars *template.Request) string {
	return string(t.Append(nil, func(b []byte, variable string) []byte {
		value, stops := vars.Value(variable), ""
		_, behind, authority := bytes.Cut(b, []byte("://"))
		_, query, asks := bytes.Cut(behind, []byte("?"))
		switch {
		case !authority:
			return append(b, value...) // the scheme, which validService has seen to
		case asks && bytes.IndexByte(query[bytes.LastIndexByte(query, '&')+1:], '=') >= 0:
			stops = "&" // the value of a parameter
		case asks:
		case isHost(variable) && bytes.IndexByte(behind, '/') < 0:
			return append(b, vars.Value("host")...)
		case variable == "uri":
			return append(b, (&url.URL{Path: value}).EscapedPath()...) // the others have their escapes
		case variable != "request_uri":
			stops = "/?" // an element of the path
		}
		return appendWritten(b, value, stops)
	}))
}

// appendWritten appends a value, with all that a URL is not written with, "#" and what stops escaped
// (RFC 3986 section 2.1). Escapes that are there stay.
func appendWritten(b []byte, value, stops string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(value) {
		c := value[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>\\^`{|}", c) >= 0 || strings.IndexByte(stops, c) >= 0 {
			b = append(b, '%', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}
