package admit

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// origins is a set of web origins (RFC 6454).
type origins struct {
	any      bool
	exact    map[string]bool
	wildcard map[string]bool // with "scheme://" and what follows the one label, such as "https://.example.com"
}

// newOrigins reads "scheme://host[:port]", where "*." may stand for one label, or "*". It returns nil
// for none.
func newOrigins(entries []string) (*origins, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	o := &origins{exact: map[string]bool{}, wildcard: map[string]bool{}}
	for _, entry := range entries {
		if entry == "*" {
			o.any = true
			continue
		}
		if entry == "null" {
			o.exact[entry] = true
			continue
		}
		scheme, host, found := strings.Cut(canonicalOrigin(strings.TrimSuffix(entry, "/")), "://")
		rest, wild := strings.CutPrefix(host, "*.")
		if !found || scheme == "" || rest == "" || strings.ContainsAny(rest, "*/?#@ ,") {
			return o, fmt.Errorf("%q is no origin: write scheme://host, such as https://chat.example.com or https://*.example.com", entry)
		}
		if wild {
			o.wildcard[scheme+"://."+rest] = true
		} else {
			o.exact[scheme+"://"+host] = true
		}
	}
	return o, nil
}

// has reports whether an Origin, as a client sends it, is in the set.
func (o *origins) has(origin string) bool {
	if o.any {
		return true
	}
	origin = canonicalOrigin(origin)
	if o.exact[origin] {
		return true
	}
	if len(o.wildcard) == 0 {
		return false
	}
	scheme, host, found := strings.Cut(origin, "://")
	label, rest, more := strings.Cut(host, ".")
	return found && more && isLabel(label) && o.wildcard[scheme+"://."+rest]
}

// canonicalOrigin returns an origin in lower case and without the default port of its scheme.
func canonicalOrigin(origin string) string {
	origin = strings.ToLower(origin)
	for _, s := range [...]struct{ scheme, port string }{{"https://", ":443"}, {"wss://", ":443"}, {"http://", ":80"}, {"ws://", ":80"}} {
		if strings.HasPrefix(origin, s.scheme) {
			return strings.TrimSuffix(origin, s.port)
		}
	}
	return origin
}

// isLabel reports whether s can be one label of a host name, in lower case. Some have underscores.
func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// check refuses upgrades of foreign pages: browsers let any page open a socket to anywhere, cookies
// and all, and leave it to the server to look at the Origin (RFC 6455 section 10.2). Who is no browser
// sends none, and gains nothing by that.
func (o *origins) check(s *Subject) *model.Refusal {
	if o == nil || s.Upgrade == "" {
		return nil
	}
	lines, found := s.Request.Header["Origin"]
	if !found || len(lines) == 1 && o.has(lines[0]) {
		return nil
	}
	return &model.Refusal{
		Status: http.StatusForbidden, Reason: model.OriginRefused,
		Detail: "this route does not serve sockets to pages of that origin",
	}
}
