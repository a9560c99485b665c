package admit

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// The headers of the CORS protocol (Fetch standard, section 3.3).
const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// cors answers browsers that ask on behalf of pages of other origins.
type cors struct {
	*origins
	fixed map[string]string // what is said to every origin of the set
}

// newCORS returns nil when it is left to the endpoints. An origin that is none is left out: that lets
// nobody in.
func newCORS(c *model.CORS) (*cors, error) {
	if c == nil {
		return nil, nil
	}
	o, err := newOrigins(c.Origins)
	if o == nil {
		o = new(origins)
	}
	n := &cors{origins: o, fixed: map[string]string{}}
	say := func(name string, values ...string) {
		if value := strings.Join(values, ", "); value != "" {
			n.fixed[name] = printable(value)
		}
	}
	say(allowMethods, c.Methods...)
	say(allowHeaders, c.Headers...)
	say(exposeHeaders, c.ExposeHeaders...)
	if c.Credentials {
		say(allowCredentials, "true")
	}
	if c.MaxAge > 0 {
		say(maxAge, strconv.FormatInt(int64(c.MaxAge/time.Second), 10))
	}
	return n, err
}

// admitted returns what Access-Control-Allow-Origin is to say to a request; "": nothing.
func (c *cors) admitted(r *http.Request) string {
	if c.any {
		return "*"
	}
	if lines := r.Header["Origin"]; len(lines) == 1 && c.has(lines[0]) {
		return lines[0]
	}
	return ""
}

// preflight answers OPTIONS for origins that are admitted, all of them if all are: 204 Preflight. The
// headers come by [Policy.Dress].
func (p *Policy) preflight(s *Subject) *model.Refusal {
	if p.cors == nil || s.Upgrade != "" || s.Request.Method != http.MethodOptions || p.cors.admitted(s.Request) == "" {
		return nil
	}
	return &model.Refusal{Status: http.StatusNoContent, Reason: model.Preflight, Detail: "this is what pages of your origin may ask"}
}

// dress puts the headers of the CORS protocol on an answer, in place of those of the endpoint.
func (c *cors) dress(r *http.Request, answer http.Header) {
	if !c.any {
		addVary(answer, "Origin") // caches must not give one origin what was said to another
	}
	origin := c.admitted(r)
	if origin == "" {
		return
	}
	answer[allowOrigin] = []string{origin}
	delete(answer, allowCredentials) // it would give cookies to origins of which the endpoint knows nothing
	for name, value := range c.fixed {
		answer[name] = []string{value}
	}
}

// addVary adds a name to Vary, unless it is there.
func addVary(header http.Header, name string) {
	for _, line := range header["Vary"] {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.TrimSpace(element); element == "*" || strings.EqualFold(element, name) {
				return
			}
		}
	}
	header.Add("Vary", name)
}
