package nginx

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// service is a Service in the making: addresses, or one name outside the cluster.
type service struct {
	name      string
	port      int
	addresses []netip.AddrPort
	external  string
	used      bool // by a route
}

// weighted is a Service and its share of sessions.
type weighted struct {
	service *service
	weight  int
}

// services makes each Service once.
type services struct {
	names taken
	by    map[string][]weighted // by upstream block or address
	list  []*service
}

func newServices() *services {
	return &services{names: taken{}, by: map[string][]weighted{}}
}

func (s *services) add(name string, port int) *service {
	made := &service{name: s.names.unique(name), port: port}
	s.list = append(s.list, made)
	return made
}

// backends returns the Services of a proxy_pass.
func (m *migration) backends(p *pass) []weighted {
	group := m.groups[p.host]
	key := p.host
	if group == nil {
		key = p.host + ":" + strconv.Itoa(p.port)
	}
	if made, done := m.services.by[key]; done {
		return made
	}
	var made []weighted
	if group != nil {
		made = m.groupBackends(group)
	} else if made = []weighted{{m.single(p.host, p.port, p.host), 1}}; made[0].service != nil {
		m.tellService(p.d, made[0].service)
	}
	m.services.by[key] = made
	return made
}

// single makes the Service of one address or host name.
func (m *migration) single(host string, port int, name string) *service {
	address, isAddress := isAddress(host)
	if !isAddress {
		s := m.services.add(objectName(name, "backend"), port)
		s.external = host
		return s
	}
	s := m.services.add(objectName(fmt.Sprintf("%s-%d", name, port), "backend"), port)
	s.addresses = []netip.AddrPort{netip.AddrPortFrom(address, uint16(port))}
	return s
}

func (m *migration) tellService(d *nginxsyntax.Directive, s *service) {
	if s.external != "" {
		m.differs(d, "Service "+s.name+" of type ExternalName: the name "+s.external+" is looked up by the cluster's DNS",
			"if the program runs in this cluster, name its own Service in the route and delete this one")
		return
	}
	loopback := slices.ContainsFunc(s.addresses, func(a netip.AddrPort) bool { return a.Addr().IsLoopback() })
	if loopback {
		m.differs(d, "Service "+s.name+" with loopback addresses, which fairlead standalone serves and a cluster refuses",
			"in a cluster, give the Service the selector of the program's pods and delete its EndpointSlice")
		return
	}
	m.kept(d, "Service %s with its addresses in an EndpointSlice", s.name)
}

// groupServer is a server line of an upstream block.
type groupServer struct {
	d      *nginxsyntax.Directive
	host   string
	port   int
	weight int
}

// groupBackends reads an upstream block. Servers of one weight share a Service, whose share is their
// number times the weight; host names have a Service each.
func (m *migration) groupBackends(group *nginxsyntax.Directive) []weighted {
	m.silent(group)
	var usable []groupServer
	for _, d := range group.Block {
		if d.Name == "server" {
			if s, ok := m.groupServer(d); ok {
				usable = append(usable, s)
			}
		}
	}
	byWeight := map[int]*weighted{}
	var result []weighted
	for _, s := range usable {
		address, is := isAddress(s.host)
		if !is {
			made := weighted{m.single(s.host, s.port, group.Arg(0)+"-"+s.host), s.weight}
			m.tellService(s.d, made.service)
			result = append(result, made)
			continue
		}
		w := byWeight[s.weight]
		if w == nil {
			w = &weighted{service: m.services.add(groupName(group, usable, s), s.port)}
			byWeight[s.weight] = w
		}
		w.service.addresses = append(w.service.addresses, netip.AddrPortFrom(address, uint16(s.port)))
		w.weight += s.weight
	}
	for _, weight := range slices.Backward(slices.Sorted(maps.Keys(byWeight))) {
		result = append(result, *byWeight[weight])
	}
	m.tellGroup(usable, byWeight)
	return reduced(result)
}

func (m *migration) tellGroup(usable []groupServer, byWeight map[int]*weighted) {
	for _, s := range usable {
		if _, is := isAddress(s.host); is {
			m.tellService(s.d, byWeight[s.weight].service)
		}
	}
}

// groupName names the Service of the servers with s's weight.
func groupName(group *nginxsyntax.Directive, all []groupServer, s groupServer) string {
	name := objectName(group.Arg(0), "backend")
	if slices.ContainsFunc(all, func(o groupServer) bool { return o.weight != s.weight }) {
		name += "-weight-" + strconv.Itoa(s.weight)
	}
	return name
}

// reduced divides weights by what all have in common.
func reduced(list []weighted) []weighted {
	common := 0
	for _, w := range list {
		for a, b := common, w.weight; ; a, b = b, a%b {
			if b == 0 {
				common = a
				break
			}
		}
	}
	for i := range list {
		list[i].weight = min(list[i].weight/max(common, 1), 1_000_000)
	}
	return list
}

// groupServer reads a server of an upstream block; false when it gets no sessions.
func (m *migration) groupServer(d *nginxsyntax.Directive) (groupServer, bool) {
	s := groupServer{d: d, weight: 1, port: 80}
	address := d.Arg(0)
	if strings.HasPrefix(address, "unix:") {
		m.lost(d, "Fairlead dials no Unix sockets: the server is left out", "let the program listen on TCP, and add its address to the EndpointSlice")
		return s, false
	}
	if found := hostAndPort.FindStringSubmatch(address); found != nil {
		s.host = strings.ToLower(strings.Trim(found[1], "[]"))
		if found[2] != "" {
			s.port, _ = strconv.Atoi(found[2])
		}
	}
	_, isIP := isAddress(s.host)
	if s.host == "" || s.port < 1 || s.port > 65535 || !isIP && !dnsName.MatchString(s.host) {
		m.lost(d, "the address is none that a Service can have: the server is left out", "add a Service for it to the route's backends")
		return s, false
	}
	for _, arg := range d.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "down":
			m.kept(d, "left out, as it is down")
			return s, false
		case "backup":
			m.lost(d, "a server that serves only while the others don't: it is left out", "add it to the EndpointSlice if it may serve always, or have another controller add it when the others are gone")
			return s, false
		case "weight":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				s.weight = n
			}
		case "max_fails", "fail_timeout":
			m.differs(d, "a handshake that finds an endpoint dead goes to another one at once; nothing is counted ("+arg+")", "")
		case "max_conns":
			m.lost(d, "sessions of one endpoint are not bounded ("+arg+")", "bound those of the route by policy.limits.sessions, or have the program refuse")
		case "slow_start":
			m.lost(d, "new endpoints get their whole share at once ("+arg+")", "")
		case "resolve":
			m.kept(d, "names are looked up again and again")
		default:
			m.lost(d, arg+" is not known here", "")
		}
	}
	return s, true
}

// slicesOf returns the addresses of a service by family and port, as EndpointSlices hold them.
func (s *service) slicesOf() [][]netip.AddrPort {
	list := slices.Clone(s.addresses)
	key := func(a netip.AddrPort) int { // IPv4 first, then by port
		if a.Addr().Is4() {
			return int(a.Port())
		}
		return 1<<16 + int(a.Port())
	}
	slices.SortStableFunc(list, func(a, b netip.AddrPort) int { return cmp.Compare(key(a), key(b)) })
	var result [][]netip.AddrPort
	for _, a := range list {
		last := len(result) - 1
		if last >= 0 && key(result[last][0]) == key(a) {
			if !slices.Contains(result[last], a) {
				result[last] = append(result[last], a)
			}
			continue
		}
		result = append(result, []netip.AddrPort{a})
	}
	return result
}
