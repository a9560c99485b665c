package table

import (
	"cmp"
	"iter"
	"net"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// Hit is the route of a request and the claim that won it.
type Hit struct {
	Route *Route
	*candidate
}

// candidate is one match of a route, ready to be compared.
type candidate struct {
	route *Route
	Match model.Match
	re    *regexp.Regexp // of a RegularExpression path
	conditions
}

// prefix returns what the path of a Prefix match begins with, before a slash or the end: "" for "/".
func (c *candidate) prefix() string { return strings.TrimSuffix(c.Match.Path.Value, "/") }

// hosts finds the paths of a host.
type hosts struct {
	exact    map[string]*paths
	wildcard map[string]*paths // by what follows "*."
	any      *paths
	work     work // at most, whatever the host
}

// of yields the paths of a host name, then those of its wildcard, then those of any host.
func (h *hosts) of(name string) iter.Seq[*paths] {
	return func(yield func(*paths) bool) {
		if p := h.exact[name]; p != nil && !yield(p) {
			return
		}
		if _, parent, found := strings.Cut(name, "."); found {
			if p := h.wildcard[parent]; p != nil && !yield(p) {
				return
			}
		}
		if h.any != nil {
			yield(h.any)
		}
	}
}

// paths finds the claim that a request meets on one host. Claims for the same path stand in a row,
// the most specific first.
type paths struct {
	routes  []*Route // all that have a claim here, in order: equal lists make equal paths
	exact   map[string][]candidate
	regex   []candidate
	prefix  map[string][]candidate // keys have no trailing slash; "" is the prefix "/"
	deepest int                    // elements of the longest prefix
	work    work
}

// Match returns the route of a request by its Host (a port counts for nothing), its decoded path and
// whatever else routes ask for.
func (t *Table) Match(r *http.Request) (Hit, bool) {
	path := r.URL.Path
	if path == "" && r.Method != http.MethodConnect {
		path = "/" // "GET http://host HTTP/1.1" (RFC 9112 section 3.2.1)
	}
	if !strings.HasPrefix(path, "/") {
		return Hit{}, false // "OPTIONS *", or the address of a CONNECT
	}
	name := hostname(r.Host)
	q := question{r: r, path: normalize(path)}
	c := t.hosts.exact[name].match(&q)
	if c == nil {
		if _, parent, found := strings.Cut(name, "."); found {
			c = t.hosts.wildcard[parent].match(&q)
		}
	}
	if c == nil {
		c = t.hosts.any.match(&q)
	}
	if c == nil {
		return Hit{}, false
	}
	return Hit{c.route, c}, true
}

func (p *paths) match(q *question) *candidate {
	if p == nil {
		return nil
	}
	if c := firstMet(p.exact[q.path], q); c != nil {
		return c
	}
	for i := range p.regex {
		if c := &p.regex[i]; c.re.MatchString(q.path) && c.met(q) {
			return c
		}
	}
	prefix := elements(strings.TrimSuffix(q.path, "/"), p.deepest)
	for {
		if c := firstMet(p.prefix[prefix], q); c != nil {
			return c
		}
		cut := strings.LastIndexByte(prefix, '/')
		if cut < 0 {
			return nil
		}
		prefix = prefix[:cut]
	}
}

// firstMet returns the first of the claims whose conditions the request meets, or nil.
func firstMet(claims []candidate, q *question) *candidate {
	for i := range claims {
		if claims[i].met(q) {
			return &claims[i]
		}
	}
	return nil
}

// elements returns the first n elements of a path. It bounds the work that a path of thousands of
// slashes can cause.
func elements(p string, n int) string {
	for i := range len(p) {
		if p[i] != '/' {
			continue
		}
		if n == 0 {
			return p[:i]
		}
		n--
	}
	return p
}

// hostname returns the lower-case name of a Host header, without port and root dot.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// normalize resolves "//", "/./" and "/../", so that no spelling of a path gets past the route
// that owns it. A trailing slash stays.
func normalize(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") && strings.HasPrefix(p, "/") {
		return p
	}
	clean := path.Clean("/" + p)
	if clean != "/" && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")) {
		clean += "/"
	}
	return clean
}

// compileHosts groups the claims by host. A host with the same routes as before is shared.
func compileHosts(routes []*Route, prev *Table) hosts {
	byHost := make(map[string][]*Route)
	for _, r := range routes {
		for _, m := range r.Matches {
			if list := byHost[m.Host]; len(list) == 0 || list[len(list)-1] != r {
				byHost[m.Host] = append(list, r)
			}
		}
	}
	h := hosts{exact: make(map[string]*paths, len(byHost)), wildcard: map[string]*paths{}}
	for host, list := range byHost {
		parent, isWildcard := strings.CutPrefix(host, "*.")
		switch {
		case host == "":
			h.any = compilePaths(host, list, prev.hosts.any)
		case isWildcard:
			h.wildcard[parent] = compilePaths(host, list, prev.hosts.wildcard[parent])
		default:
			h.exact[host] = compilePaths(host, list, prev.hosts.exact[host])
		}
	}
	h.compileWork()
	return h
}

func compilePaths(host string, routes []*Route, before *paths) *paths {
	if before != nil && slices.Equal(before.routes, routes) {
		return before
	}
	p := &paths{routes: routes, exact: map[string][]candidate{}, prefix: map[string][]candidate{}}
	for _, r := range routes {
		for _, m := range r.Matches {
			if m.Host == host {
				p.add(candidate{route: r, Match: m, conditions: compileConditions(m)})
			}
		}
		if r.Canary != nil {
			p.work.header(r.Canary.header, instructions(r.Canary.pattern))
		}
	}
	for _, claims := range p.exact {
		slices.SortStableFunc(claims, bySpecificity)
	}
	for _, claims := range p.prefix {
		slices.SortStableFunc(claims, bySpecificity)
	}
	slices.SortStableFunc(p.regex, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(len(b.Match.Path.Value), len(a.Match.Path.Value)), bySpecificity(a, b))
	})
	return p
}

// bySpecificity puts the claim first that asks for more headers, then that for more query
// parameters, then that for subprotocols. Equal ones stay in the order of the configuration.
func bySpecificity(a, b candidate) int {
	return cmp.Or(
		cmp.Compare(len(b.Match.Headers), len(a.Match.Headers)),
		cmp.Compare(len(b.Match.QueryParams), len(a.Match.QueryParams)),
		cmp.Compare(min(len(b.Match.Subprotocols), 1), min(len(a.Match.Subprotocols), 1)),
	)
}

func (p *paths) add(c candidate) {
	switch c.Match.Path.Type {
	case model.Exact:
		p.exact[c.Match.Path.Value] = append(p.exact[c.Match.Path.Value], c)
	case model.Prefix:
		p.prefix[c.prefix()] = append(p.prefix[c.prefix()], c)
		p.deepest = max(p.deepest, strings.Count(c.prefix(), "/"))
	case model.RegularExpression:
		c.re, _ = c.Match.Path.Regexp() // Compile validated it
		p.regex = append(p.regex, c)
	}
	p.work.add(&c)
}
