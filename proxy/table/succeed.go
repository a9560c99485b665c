package table

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// departing is what is remembered of a route that leaves the table.
func (r *Route) departing() departedRoute {
	return departedRoute{r.Live, r.Matches, r.Route.Backends}
}

// succeeds reports whether the table goes on with what a route served that is gone: somebody claims a
// host and path of it, or what was asked of it comes to one of its backends by another. So a path that
// is written otherwise is no path that was deleted; one that falls to another Service is.
func (t *Table) succeeds(d departedRoute) bool {
	return slices.ContainsFunc(d.matches, func(m model.Match) bool {
		return t.claims[m.Key()] != nil || t.leads(m, d.backends)
	})
}

// leads reports whether a request that meets the host and path of a match comes to one of the backends.
func (t *Table) leads(m model.Match, to []model.BackendRef) bool {
	path, found := example(m.Path)
	if !found {
		return false
	}
	// A wildcard stands for a label that nobody has.
	hit, found := t.Match(&http.Request{Host: m.Host, URL: &url.URL{Path: path}, Header: http.Header{}})
	return found && slices.ContainsFunc(hit.Route.Route.Backends, func(b model.BackendRef) bool {
		return slices.ContainsFunc(to, func(before model.BackendRef) bool { return before.Backend == b.Backend })
	})
}

// example returns a path that meets a match, if one is easily found.
func example(p model.PathMatch) (path string, found bool) {
	if p.Type != model.RegularExpression {
		return p.Value, true
	}
	e, err := regexp.Compile(strings.TrimPrefix(p.Value, "(?i)"))
	if err != nil {
		return "", false
	}
	path, _ = e.LiteralPrefix()
	return path, e.MatchString(path)
}
