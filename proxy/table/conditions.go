package table

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// question is a request as claims look at it. Its query is parsed when the first condition asks
// for it, and once.
type question struct {
	r     *http.Request
	path  string // normalized
	query url.Values
}

func (q *question) param(name string) (value string, present bool) {
	if q.query == nil {
		q.query = q.r.URL.Query() // what can't be parsed is left out
	}
	values := q.query[name]
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

func (q *question) header(canonical string) (value string, present bool) {
	if canonical == "Host" {
		return q.r.Host, q.r.Host != "" // net/http takes it out of the header
	}
	lines := q.r.Header[canonical]
	switch len(lines) {
	case 0:
		return "", false
	case 1:
		return lines[0], true
	}
	return strings.Join(lines, ", "), true
}

// conditions are what a claim wants besides host and path: all of it. None is the zero value.
type conditions struct{ more *moreConditions }

type moreConditions struct {
	headers, params []condition
	subprotocols    []string
}

// condition is a model.FieldMatch, ready to be compared.
type condition struct {
	model.FieldMatch
	re *regexp.Regexp // of a FieldRegularExpression
}

// compileConditions compiles what a match asks for, which was validated.
func compileConditions(m model.Match) conditions {
	if m.Unconditional() {
		return conditions{}
	}
	compile := func(fields []model.FieldMatch, name func(string) string) (list []condition) {
		for _, f := range fields {
			f.Name = name(f.Name)
			c := condition{FieldMatch: f}
			if f.Type == model.FieldRegularExpression {
				c.re, _ = f.Regexp() // Compile validated it
			}
			list = append(list, c)
		}
		return list
	}
	return conditions{&moreConditions{
		headers:      compile(m.Headers, http.CanonicalHeaderKey),
		params:       compile(m.QueryParams, func(name string) string { return name }),
		subprotocols: m.Subprotocols,
	}}
}

// met reports whether the request meets the conditions.
func (c conditions) met(q *question) bool { return c.more == nil || c.more.met(q) }

func (c *moreConditions) met(q *question) bool {
	for i := range c.headers {
		if value, present := q.header(c.headers[i].Name); !present || !c.headers[i].holds(value) {
			return false
		}
	}
	if len(c.subprotocols) > 0 && !offers(q.r.Header, c.subprotocols) {
		return false
	}
	for i := range c.params {
		if value, present := q.param(c.params[i].Name); !present || !c.params[i].holds(value) {
			return false
		}
	}
	return true
}

func (c *condition) holds(value string) bool {
	switch c.Type {
	case model.FieldExact:
		return value == c.Value
	case model.FieldRegularExpression:
		return c.re.MatchString(value)
	case model.FieldPresent:
		return true
	}
	return false
}

// offers reports whether the client offers one of the subprotocols (RFC 6455 section 11.3.4).
func offers(h http.Header, subprotocols []string) bool {
	for _, line := range h["Sec-Websocket-Protocol"] {
		for offer := range strings.SplitSeq(line, ",") {
			if slices.Contains(subprotocols, strings.Trim(offer, " \t")) {
				return true
			}
		}
	}
	return false
}
