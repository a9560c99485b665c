package nginx

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// cors is what a location answers pages of other origins, written by add_header.
type cors struct {
	origins                  []string
	methods, headers, expose string
	credentials              bool
	maxAge                   time.Duration
	lines                    []*nginxsyntax.Directive
	preflight                *nginxsyntax.Directive // the if that answers OPTIONS
}

var corsHeader = regexp.MustCompile(`(?i)^Access-Control-`)

// isCORS reports whether a directive was understood as part of the route's CORS.
func (r *route) isCORS(d *nginxsyntax.Directive) bool {
	return r.cors != nil && slices.Contains(r.cors.lines, d)
}

// readCORS reads the headers of the Fetch standard's "CORS protocol" and the if that answers OPTIONS. It
// is the business of an Ingress: WebSockets need none of it.
func (m *migration) readCORS(l *location, r *route) {
	c := &cors{preflight: preflight(l.scope)}
	list := l.scope.all("add_header")
	for s := l.scope; s != nil && c.preflight == nil; s = s.outer {
		c.preflight = preflight(s)
	}
	if c.preflight != nil {
		for d := range nginxsyntax.All(c.preflight.Block) {
			if d.Name == "add_header" {
				list = append(slices.Clone(list), d)
			}
		}
	}
	for _, d := range list {
		if corsHeader.MatchString(d.Arg(0)) && m.corsHeader(c, d, l) {
			c.lines = append(c.lines, d)
		}
	}
	if len(c.origins) == 0 {
		return
	}
	r.cors = c
}

// preflight returns the if of a block that answers OPTIONS by itself.
func preflight(s *scope) *nginxsyntax.Directive {
	for _, d := range s.own("if") {
		condition := strings.NewReplacer("(", "", ")", "", "'", "", `"`, "", " ", "").Replace(strings.Join(d.Args, ""))
		if strings.EqualFold(condition, "$request_method=OPTIONS") || strings.EqualFold(condition, "$request_method~OPTIONS") || strings.EqualFold(condition, "$request_method~*OPTIONS") {
			for _, in := range d.Block {
				if in.Name == "return" && (in.Arg(0) == "204" || in.Arg(0) == "200") {
					return d
				}
			}
		}
	}
	return nil
}

// corsHeader reads one header; false when its value is not known, which is told.
func (m *migration) corsHeader(c *cors, d *nginxsyntax.Directive, l *location) bool {
	value, known := m.vars.expand(d.Arg(1), nil, l.scope)
	name := strings.ToLower(d.Arg(0))
	if name == "access-control-allow-origin" {
		return m.corsOrigin(c, d, value, known)
	}
	if !known && !strings.Contains(value, "$http_access_control_request_") {
		return false
	}
	switch name {
	case "access-control-allow-methods":
		c.methods = cmpText(c.methods, value)
	case "access-control-allow-headers":
		if known {
			c.headers = cmpText(c.headers, value)
		}
	case "access-control-expose-headers":
		c.expose = cmpText(c.expose, value)
	case "access-control-allow-credentials":
		c.credentials = value == "true"
	case "access-control-max-age":
		c.maxAge, _ = parseTime(value)
	}
	return true
}

// cmpText keeps the longer of two lists: that of the preflight says all.
func cmpText(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// corsOrigin reads which pages may ask: any, some, or those that a map of $http_origin lists.
func (m *migration) corsOrigin(c *cors, d *nginxsyntax.Directive, value string, known bool) bool {
	if known {
		c.addOrigin(value)
		return true
	}
	list := names(value)
	if len(list) != 1 {
		return false
	}
	if list[0] == "http_origin" {
		c.addOrigin("*")
		return true
	}
	origins := m.vars.maps[list[0]]
	if origins == nil || origins.source != "$http_origin" {
		return false
	}
	m.silence(origins.at.Block)
	m.kept(origins.at, "the origins of %s", d.Arg(0))
	for _, e := range origins.entries {
		if e.value == "" {
			continue
		}
		if o, ok := originOf(e); ok {
			c.addOrigin(o)
		} else {
			m.lost(e.d, "an origin can't be this expression: it is left out", "list the origins; *. may stand for one label")
		}
	}
	return true
}

func (c *cors) addOrigin(o string) {
	if o != "" && !slices.Contains(c.origins, o) {
		c.origins = append(c.origins, o)
	}
}

var (
	plainOrigin   = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:\d+)?$`)
	escapedOrigin = regexp.MustCompile(`^\^?(https?)(\??)://((?:[A-Za-z0-9-]|\\\.)+|\(?(?:\.\*|\[\^[^]]*\][+*]|\\w\+|\.\+)\)?\\\.(?:[A-Za-z0-9-]|\\\.)+)(:\d+)?\$$`)
)

// originOf writes the key of a map as an origin.
func originOf(e mapEntry) (string, bool) {
	if e.re == nil {
		return e.key, plainOrigin.MatchString(e.key)
	}
	expression := strings.TrimPrefix(strings.TrimPrefix(e.key, "~"), "*")
	found := escapedOrigin.FindStringSubmatch(strings.ReplaceAll(expression, `\/`, `/`))
	if len(found) == 0 || found[2] != "" {
		return "", false
	}
	host := strings.ReplaceAll(found[3], `\.`, ".")
	if i := strings.IndexAny(host, "()*+[\\"); i >= 0 {
		_, rest, _ := strings.Cut(found[3], `\.`)
		host = "*." + strings.ReplaceAll(rest, `\.`, ".")
	}
	return found[1] + "://" + host + found[4], true
}
