package annotations

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Defaults of ingress-nginx.
var (
	corsMethods = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"}
	corsHeaders = []string{
		"DNT", "Keep-Alive", "User-Agent", "X-Requested-With", "If-Modified-Since", "Cache-Control", "Content-Type", "Range", "Authorization",
	}
)

const corsMaxAge = 1728000 * time.Second

var nginxHeaderRows = []Row{
	{
		Name: "enable-cors", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Answers the questions that browsers ask for foreign pages (OPTIONS, 204), and adds the headers of the answer to others. It keeps no page from opening a WebSocket; fairlead.dev/origins does.",
		sets: []string{"CORSOn"}, parse: boolean(func(d *draft, b bool) { d.CORSOn = b }),
	}, {
		Name: "cors-allow-origin", Type: "list of origins, or *", Default: "*", Example: "*", needs: needCORS,
		Doc:  "Pages that may read answers, such as https://*.example.com, where * stands for one label. Where it is not *, it is told that handshakes need fairlead.dev/origins.",
		sets: []string{"CORS.Origins"}, parse: func(value string, d *draft) error {
			list, err := originList(value)
			if err == nil {
				d.CORS.Origins = list
			}
			return err
		},
	}, {
		Name: "cors-allow-methods", Type: "list of methods", Default: strings.Join(corsMethods, ", "), Example: "GET, POST", needs: needCORS,
		Doc:  "Methods that foreign pages may use.",
		sets: []string{"CORS.Methods"}, parse: tokens(func(d *draft, l []string) { d.CORS.Methods = l }),
	}, {
		Name: "cors-allow-headers", Type: typeHeaders, Default: strings.Join(corsHeaders, ", "), Example: "Authorization, Content-Type", needs: needCORS,
		Doc:  "Headers that foreign pages may send.",
		sets: []string{"CORS.Headers"}, parse: tokens(func(d *draft, l []string) { d.CORS.Headers = l }),
	}, {
		Name: "cors-expose-headers", Type: typeHeaders, Default: "none", Example: "X-Request-Id", needs: needCORS,
		Doc:  "Headers of answers that foreign pages may read.",
		sets: []string{"CORS.ExposeHeaders"}, parse: tokens(func(d *draft, l []string) { d.CORS.ExposeHeaders = l }),
	}, {
		Name: "cors-allow-credentials", Type: typeBool, Default: "true", Example: "false", needs: needCORS,
		Doc:  "Whether foreign pages may send cookies.",
		sets: []string{"Credentials"}, parse: boolean(func(d *draft, b bool) { d.Credentials = &b }),
	}, {
		Name: "cors-max-age", Type: typeSeconds, Default: "1728000", Example: "600", needs: needCORS,
		Doc:   "How long browsers remember the answer.",
		sets:  []string{"CORSAge"},
		parse: orZero(nginxSeconds(1728000, func(d *draft, t model.Timeout) { d.CORSAge = new(time.Duration(t)) }), func(d *draft) { d.CORSAge = new(time.Duration(0)) }),
	}, {
		Name: "custom-headers", Type: typeSecret, Default: "none", Example: "prod/answer-headers",
		Doc:     "A ConfigMap with headers for answers, the 101 of a WebSocket too. Which names it may set, --allowed-response-headers says.",
		Differs: "The list of names is a flag and not in the controller's ConfigMap.",
		WhenSet: true,
		sets:    []string{"CustomHeaders"}, parse: reference(NginxPrefix+"custom-headers", func(d *draft, r *Ref) { d.CustomHeaders = r }),
	}, {
		Name: "enable-access-log", Type: typeBool, Default: "true", Example: "false",
		Doc:  "false writes no log lines for sessions; they are counted all the same.",
		sets: []string{"NoLog"}, parse: boolean(func(d *draft, b bool) { d.NoLog = !b }),
	},
}

const typeFields = "lines of Name: value"

var ourHeaderRows = []Row{
	{
		Name: "request-headers-set", Type: typeFields, Default: "none", Example: "X-Cluster: blue",
		Doc:  "Headers that endpoints get, in place of the client's; one in a line, up to 32.",
		sets: []string{"Headers.Request.Set"}, parse: headerFields(func(d *draft, l []model.Field) { d.Headers.Request.Set = l }),
	}, {
		Name: "request-headers-add", Type: typeFields, Default: "none", Example: "X-Seen-By: fairlead",
		Doc:  "Headers that endpoints get besides the client's; one in a line, up to 32.",
		sets: []string{"Headers.Request.Add"}, parse: headerFields(func(d *draft, l []model.Field) { d.Headers.Request.Add = l }),
	}, {
		Name: "request-headers-remove", Type: typeHeaders, Default: "none", Example: "X-Debug, X-Trace",
		Doc:  "Headers that endpoints don't get.",
		sets: []string{"Headers.Request.Remove"}, parse: headerNames(func(d *draft, l []string) { d.Headers.Request.Remove = l }),
	}, {
		Name: "response-headers-set", Type: typeFields, Default: "none", Example: "X-Frame-Options: DENY",
		Doc:  "Headers that clients get, in place of the endpoint's, with the 101 of a WebSocket too; one in a line, up to 32.",
		sets: []string{"Headers.Response.Set"}, parse: headerFields(func(d *draft, l []model.Field) { d.Headers.Response.Set = l }),
	}, {
		Name: "response-headers-add", Type: typeFields, Default: "none", Example: "Via: 1.1 fairlead",
		Doc:  "Headers that clients get besides the endpoint's; one in a line, up to 32.",
		sets: []string{"Headers.Response.Add"}, parse: headerFields(func(d *draft, l []model.Field) { d.Headers.Response.Add = l }),
	}, {
		Name: "response-headers-remove", Type: typeHeaders, Default: "none", Example: "Server, X-Powered-By",
		Doc:  "Headers that clients don't get.",
		sets: []string{"Headers.Response.Remove"}, parse: headerNames(func(d *draft, l []string) { d.Headers.Response.Remove = l }),
	},
}

// maxHeaders bounds a list of headers, as in a WebSocketRoute.
const maxHeaders = 32

// headerName reads one name.
func headerName(set func(*draft, string)) parser {
	return func(value string, d *draft) error {
		if !token.MatchString(value) {
			return fmt.Errorf("%q is not the name of a header", value)
		}
		set(d, http.CanonicalHeaderKey(value))
		return nil
	}
}

// tokens reads a list of names and leaves them as they are written; * stands for all.
func tokens(set func(*draft, []string)) parser {
	return func(value string, d *draft) error {
		names, err := list(value)
		for _, name := range names {
			if !token.MatchString(name) {
				return fmt.Errorf("%q is not a name", name)
			}
		}
		if err == nil {
			set(d, names)
		}
		return err
	}
}

// headerNames reads a list of headers that may be changed.
func headerNames(set func(*draft, []string)) parser {
	return func(value string, d *draft) error {
		names, err := list(value)
		if err != nil {
			return err
		}
		for i, name := range names {
			if err := changeable(name); err != nil {
				return err
			}
			names[i] = http.CanonicalHeaderKey(name)
		}
		if len(names) > maxHeaders {
			return fmt.Errorf("%d headers are too many: write at most %d", len(names), maxHeaders)
		}
		set(d, names)
		return nil
	}
}

// headerFields reads one header in a line.
func headerFields(set func(*draft, []model.Field)) parser {
	return func(value string, d *draft) error {
		var fields []model.Field
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			name, content, found := strings.Cut(line, ":")
			name, content = strings.TrimSpace(name), strings.TrimSpace(content)
			if !found {
				return fmt.Errorf("%q is not a header such as X-Name: value", line)
			}
			if err := changeable(name); err != nil {
				return err
			}
			if strings.ContainsFunc(content, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
				return fmt.Errorf("the value of %s has something else than visible ASCII characters", name)
			}
			fields = append(fields, model.Field{Name: http.CanonicalHeaderKey(name), Value: content})
		}
		if len(fields) == 0 || len(fields) > maxHeaders {
			return fmt.Errorf("%d headers: write 1 to %d, one in a line", len(fields), maxHeaders)
		}
		set(d, fields)
		return nil
	}
}

// protocolHeaders make the protocol work, so nobody may change them.
var protocolHeaders = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func changeable(name string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !token.MatchString(name):
		return fmt.Errorf("%q is not the name of a header", name)
	case slices.Contains(protocolHeaders, canonical) || strings.HasPrefix(canonical, "Sec-Websocket-"):
		return fmt.Errorf("%s makes the protocol work and can't be changed", name)
	}
	return nil
}

// settledCORS returns the answers for foreign pages, if they are not left to the endpoints.
func (d *draft) settledCORS() *model.CORS {
	if !d.CORSOn {
		return nil
	}
	c := d.CORS
	if c.Origins == nil {
		c.Origins = []string{"*"}
	}
	if c.Methods == nil {
		c.Methods = slices.Clone(corsMethods)
	}
	if c.Headers == nil {
		c.Headers = slices.Clone(corsHeaders)
	}
	c.Credentials = d.Credentials == nil || *d.Credentials
	if c.MaxAge = corsMaxAge; d.CORSAge != nil {
		c.MaxAge = *d.CORSAge
	}
	return &c
}
