package nginx

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// claim is what two routes can't both have.
type claim struct {
	host       string
	kind       v1alpha1.PathMatchType
	value      string
	handshakes bool
}

// served is a route and the hosts that it has.
type served struct {
	*route
	hosts []string
}

// claim gives each host and path to the first route that wants it, as nginx gives it to the first
// server of a port. Fairlead doesn't tell ports apart, so that servers of one name on several ports
// come together here; those with TLS come first.
func (m *migration) claim() {
	m.implicitDefault()
	for _, r := range m.routes {
		hosts := slices.Clone(r.server.hosts)
		if r.server.isDefault && !slices.Contains(hosts, "") {
			if !r.server.secure {
				hosts = nil
			}
			hosts = append(hosts, "")
		}
		var got []string
		for _, host := range hosts {
			if first := m.shadowed(r.server, host); first != nil {
				m.kept(r.at, "never reached in nginx either: for %s the server of %s comes first", hostText(host), first.d.At())
				continue
			}
			key := claim{host, r.path.kind, r.path.value, r.handshakes}
			if owner := m.claimed[key]; owner == nil {
				m.claimed[key] = r
				got = append(got, host)
			} else if !sameRoute(owner, r) {
				m.lost(r.at, "another server has the path of this name already, and Fairlead can't tell servers apart by port: "+owner.at.At()+" counts",
					"give this one a name or a path of its own")
			}
		}
		if len(got) > 0 {
			m.served = append(m.served, served{r, got})
		}
	}
}

// shadowed returns the server that nginx takes for a host on all ports of another one, or nil.
func (m *migration) shadowed(s *server, host string) *server {
	var first *server
	for _, on := range s.listensOn {
		if first = m.first[listener{on, host}]; first == nil || first == s {
			return nil
		}
	}
	return first
}

// listener is a port, as it is written, and a host there.
type listener struct{ on, host string }

func hostText(host string) string {
	if host == "" {
		return "any host"
	}
	return host
}

// sameRoute reports whether two routes do the same.
func sameRoute(a, b *route) bool {
	if a.at == b.at {
		return true
	}
	return a.to == b.to && a.host == b.host && slices.Equal(a.backends, b.backends) &&
		equality.Semantic.DeepEqual(a.redirect, b.redirect) && equality.Semantic.DeepEqual(a.policy, b.policy)
}

// keepApart keeps requests for the paths that a server leaves out from those with wider hosts: Fairlead
// asks a wildcard host and the routes for any host next, and nginx does not.
func (m *migration) keepApart() {
	for _, s := range m.servers {
		routes := slices.DeleteFunc(slices.Clone(m.routes), func(r *route) bool { return r.server != s })
		if len(routes) == 0 || slices.ContainsFunc(routes, func(r *route) bool { return r.path.all() && !r.handshakes }) {
			continue
		}
		wider := slices.ContainsFunc(m.servers, func(o *server) bool {
			return o != s && slices.ContainsFunc(s.hosts, func(h string) bool { return h != "" && o.covers(h) })
		})
		if !wider {
			continue
		}
		r := &route{server: s, at: s.d, name: "elsewhere", path: prefixPath("/")}
		if m.options.Kind == Ingress && routes[0].path.isRegex() {
			r.path = letterPath("/")
		}
		m.refuse(r)
		m.differs(s.d, "its other paths get 403: without this rule a server for more hosts would take them", "")
	}
}

// covers reports whether the server's names have a host besides its own name.
func (s *server) covers(host string) bool {
	if s.isDefault || slices.Contains(s.hosts, "") {
		return true
	}
	_, parent, _ := strings.Cut(host, ".")
	return !strings.HasPrefix(host, "*.") && slices.Contains(s.hosts, "*."+parent)
}

// implicitDefault tells what becomes of requests for hosts that nobody names: nginx gives them to the
// first server of the port.
func (m *migration) implicitDefault() {
	for _, s := range m.servers {
		if s.isDefault || slices.Contains(s.hosts, "") {
			return
		}
	}
	for _, b := range m.blocks {
		for _, s := range m.servers {
			if s.d != b.d || s.toHTTPS || len(s.hosts) == 0 {
				continue
			}
			if d := s.scope.ownOne("server_name"); d != nil {
				m.differs(d, "requests for hosts that no server names get 404; nginx gives them to the first server", "leave out the hosts of a route that is to serve any host")
			}
			return
		}
	}
}
