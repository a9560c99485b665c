package table

import (
	"cmp"
	"net"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// Hit is the route of a request and the claim that won it.
type Hit struct {
	Route *Route
	Match model.Match
	re    *regexp.Regexp
}

// prefix returns what the path of a Prefix match begins with, before a slash or the end: "" for "/".
func (h Hit) prefix() string { return strings.TrimSuffix(h.Match.Path.Value, "/") }

// hosts finds the paths of a host.
type hosts struct {
	exact    map[string]*paths
	wildcard map[string]*paths // by what follows "*."
	any      *paths
}

// paths finds the route of a path on one host.
type paths struct {
	routes  []*Route // all that have a claim here, in order: equal lists make equal paths
	exact   map[string]Hit
	regex   []Hit
	prefix  map[string]Hit // keys have no trailing slash; "" is the prefix "/"
	deepest int            // elements of the longest prefix
}

// Match returns the route for a Host header (a port counts for nothing) and a decoded path.
func (t *Table) Match(host, requestPath string) (Hit, bool) {
	name := hostname(host)
	p := normalize(requestPath)
	if h, found := t.hosts.exact[name].match(p); found {
		return h, true
	}
	if _, parent, found := strings.Cut(name, "."); found {
		if h, found := t.hosts.wildcard[parent].match(p); found {
			return h, true
		}
	}
	return t.hosts.any.match(p)
}

func (p *paths) match(requestPath string) (Hit, bool) {
	if p == nil {
		return Hit{}, false
	}
	if h, found := p.exact[requestPath]; found {
		return h, true
	}
	for _, h := range p.regex {
		if h.re.MatchString(requestPath) {
			return h, true
		}
	}
	prefix := elements(strings.TrimSuffix(requestPath, "/"), p.deepest)
	for {
		if h, found := p.prefix[prefix]; found {
			return h, true
		}
		cut := strings.LastIndexByte(prefix, '/')
		if cut < 0 {
			return Hit{}, false
		}
		prefix = prefix[:cut]
	}
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
	return h
}

func compilePaths(host string, routes []*Route, before *paths) *paths {
	if before != nil && slices.Equal(before.routes, routes) {
		return before
	}
	p := &paths{routes: routes, exact: map[string]Hit{}, prefix: map[string]Hit{}}
	for _, r := range routes {
		for _, m := range r.Matches {
			if m.Host == host {
				p.add(Hit{Route: r, Match: m})
			}
		}
	}
	slices.SortStableFunc(p.regex, func(a, b Hit) int {
		return cmp.Compare(len(b.Match.Path.Value), len(a.Match.Path.Value))
	})
	return p
}

func (p *paths) add(h Hit) {
	switch h.Match.Path.Type {
	case model.Exact:
		p.exact[h.Match.Path.Value] = h
	case model.Prefix:
		p.prefix[h.prefix()] = h
		p.deepest = max(p.deepest, strings.Count(h.prefix(), "/"))
	case model.RegularExpression:
		h.re, _ = h.Match.Path.Regexp() // Compile validated it
		p.regex = append(p.regex, h)
	}
}
