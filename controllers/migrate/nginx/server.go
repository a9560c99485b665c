package nginx

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// server is a server block.
type server struct {
	d     *nginxsyntax.Directive
	scope *scope
	// hosts are its names as the API takes them; "" is any host.
	hosts []string
	// plain and secure say on what it listens.
	plain, secure bool
	isDefault     bool
	secret        string // of its certificate; "": none
	minTLS        string
	// toHTTPS says that all it does is to send clients to https.
	toHTTPS bool
	// redirectsPlain is for servers with TLS: plain clients are sent to https, by it or by another one.
	redirectsPlain bool
	name           string
	locations      []*location          // what locationsOf found
	named          map[string]*location // likewise
	listensOn      []string             // addresses and ports, as they are written
}

// What is migrated at once. Nobody has written more by hand.
const (
	maxServers   = 3000
	maxLocations = 2000 // of one server
)

func (m *migration) readServers() {
	if len(m.blocks) > maxServers {
		for _, block := range m.blocks[maxServers:] {
			m.silence(block.d.Block)
			m.lost(block.d, fmt.Sprintf("the %d servers before it are migrated, and no more at once", maxServers), "migrate the files one by one")
		}
		m.blocks = m.blocks[:maxServers]
	}
	for _, block := range m.blocks {
		s := &server{d: block.d, scope: block.outer.inner(block.d.Block)}
		m.silent(block.d)
		m.serverNames(s)
		if len(s.hosts) == 0 {
			m.silence(s.d.Block)
			m.lost(s.d, "none of its names can be had: the server is left out", "write routes for the names that are in use")
			continue
		}
		m.listens(s)
		m.certificate(s)
		s.toHTTPS = m.onlyToHTTPS(s)
		for _, on := range s.listensOn {
			for _, host := range s.hosts {
				if m.first[listener{on, host}] == nil {
					m.first[listener{on, host}] = s
				}
			}
		}
		m.servers = append(m.servers, s)
	}
	for _, s := range m.servers {
		s.name = serverName(s)
		if s.secure {
			s.redirectsPlain = slices.ContainsFunc(m.servers, func(o *server) bool { return o != s && o.plain && o.toHTTPS && sameHost(o, s) })
		}
	}
	// A server that only redirects, for names with TLS in another one, is that one's redirect.
	for _, s := range m.servers {
		if s.toHTTPS && !s.secure {
			m.redirectServer(s)
		}
	}
	// What is served by TLS claims its paths first.
	slices.SortStableFunc(m.servers, func(a, b *server) int {
		switch {
		case a.secure == b.secure:
			return 0
		case a.secure:
			return -1
		}
		return 1
	})
}

func sameHost(a, b *server) bool {
	return slices.ContainsFunc(a.hosts, func(h string) bool { return slices.Contains(b.hosts, h) || h == "" })
}

func serverName(s *server) string {
	if s.hosts[0] == "" {
		return "any-host"
	}
	return objectName(strings.Replace(s.hosts[0], "*", "wildcard", 1), "host")
}

// serverNames reads server_name.
func (m *migration) serverNames(s *server) {
	found := s.scope.own("server_name")
	for _, d := range found {
		m.silent(d)
		var hosts []string
		for _, name := range d.Args {
			hosts = append(hosts, m.hostsOf(d, name)...)
		}
		for _, h := range hosts {
			if !slices.Contains(s.hosts, h) {
				s.hosts = append(s.hosts, h)
			}
		}
		if named := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return h == "" }); len(named) > 0 {
			m.kept(d, "hosts of the routes: %s", strings.Join(named, ", "))
		} else if len(hosts) > 0 {
			m.kept(d, "the routes are for any host that no other one names")
		}
	}
	if len(found) == 0 {
		s.hosts = []string{""}
	}
	if len(s.hosts) > 1 && slices.Contains(s.hosts, "") {
		s.hosts = slices.DeleteFunc(s.hosts, func(h string) bool { return h == "" })
		s.isDefault = true
	}
}

// hostsOf translates one name.
func (m *migration) hostsOf(d *nginxsyntax.Directive, name string) []string {
	lower := strings.ToLower(name)
	_, notAddress := netip.ParseAddr(strings.Trim(lower, "[]"))
	switch {
	case name == "_" || name == "":
		return []string{""}
	case strings.HasPrefix(name, "~"):
		m.lost(d, "a host can't be a regular expression: "+name+" is left out", "name the hosts one by one, or with a wildcard such as *.example.com")
		return nil
	case notAddress == nil:
		m.differs(d, "a host can't be an IP address: the routes are for any host instead of "+name, "")
		return []string{""}
	case strings.HasPrefix(name, ".") && dnsName.MatchString(lower[1:]):
		m.differs(d, "*"+lower+" stands for exactly one label here; nginx takes any number", "add the deeper names that are in use")
		return []string{lower[1:], "*" + lower}
	case strings.HasPrefix(name, "*.") && dnsName.MatchString(lower):
		m.differs(d, lower+" stands for exactly one label here; nginx takes any number", "add the deeper names that are in use")
		return []string{lower}
	case dnsName.MatchString(lower):
		return []string{lower}
	}
	m.lost(d, name+" is no host that Kubernetes takes (lower-case DNS names, * only as the whole first label): it is left out", "name the hosts one by one")
	return nil
}

// listens reads listen. Fairlead has one port for HTTP and one for HTTPS, and a Service says which
// ports clients see.
func (m *migration) listens(s *server) {
	found := s.scope.own("listen")
	if s.plain = len(found) == 0; s.plain {
		s.listensOn = []string{"80"}
	}
	ssl := s.scope.ownOne("ssl")
	for _, d := range found {
		secure := slices.Contains(d.Args, "ssl") || ssl != nil && ssl.Arg(0) == "on"
		s.secure, s.plain = s.secure || secure, s.plain || !secure
		if slices.Contains(d.Args, "default_server") || slices.Contains(d.Args, "default") {
			s.isDefault = true
		}
		s.listensOn = append(s.listensOn, anyAddress.Replace(d.Arg(0)))
		m.listen(d, secure)
	}
	if ssl != nil {
		m.kept(ssl, "Fairlead's port for HTTPS serves it")
	}
	m.http2(s)
}

// anyAddress leaves out what stands for all addresses of the machine.
var anyAddress = strings.NewReplacer("*:", "", "0.0.0.0:", "", "[::]:", "")

var portOfListen = regexp.MustCompile(`^(?:\S*:)?(\d+)$`)

func (m *migration) listen(d *nginxsyntax.Directive, secure bool) {
	port := "80"
	switch found := portOfListen.FindStringSubmatch(d.Arg(0)); {
	case strings.HasPrefix(d.Arg(0), "unix:"):
		m.lost(d, "Fairlead listens on no Unix sockets", "let clients come by TCP")
		return
	case found != nil:
		port = found[1]
	}
	scheme, usual, flag := "HTTP", "80", "--http-address"
	if secure {
		scheme, usual, flag = "HTTPS", "443", "--https-address"
	}
	switch {
	case slices.Contains(d.Args, "proxy_protocol"):
		m.differs(d, "Fairlead reads the PROXY protocol on all its ports or on none", "start it with --proxy-protocol and the addresses of the balancers")
	case slices.Contains(d.Args, "quic"):
		m.lost(d, "Fairlead speaks HTTP/1.1, which is what WebSockets need", "let another proxy speak HTTP/3, or let clients fall back")
	case port != usual:
		m.differs(d, "Fairlead has one port for "+scheme+" and can't tell servers apart by their port", "give its Service the port "+port+", or start it with "+flag+" :"+port)
	default:
		m.kept(d, "Fairlead's port for %s", scheme)
	}
	if slices.Contains(d.Args, "http2") || slices.Contains(d.Args, "spdy") {
		m.differs(d, "clients get HTTP/1.1, which browsers use for WebSockets anyway", "")
	}
}

func (m *migration) http2(s *server) {
	if d := s.scope.one("http2"); d != nil && d.Arg(0) == "on" {
		m.differs(d, "clients get HTTP/1.1, which browsers use for WebSockets anyway", "")
	}
}

// certificate reads ssl_certificate and its key.
func (m *migration) certificate(s *server) {
	certificate, key := s.scope.one("ssl_certificate"), s.scope.one("ssl_certificate_key")
	if !s.secure {
		return
	}
	m.tlsVersions(s)
	if certificate == nil || key == nil {
		m.differs(s.d, "the server listens with ssl and names no certificate: Fairlead's default certificate is served", "")
		return
	}
	if len(names(certificate.Arg(0)+key.Arg(0))) > 0 {
		m.lost(certificate, "a certificate that a variable names is not known before a request", "name a Secret of type kubernetes.io/tls in spec.tls")
		m.silent(key)
		return
	}
	s.secret = m.secret(secretTLS, objectName(firstName(s), "host"), certificate.Arg(0), key.Arg(0))
	m.kept(certificate, "Secret %s, which is served for the hosts", s.secret)
	m.kept(key, "Secret %s", s.secret)
	if more := s.scope.own("ssl_certificate"); len(more) > 1 {
		m.differs(more[1], "one certificate for each host: this second one is left out", "")
	}
}

func firstName(s *server) string { return strings.Replace(s.hosts[0], "*", "wildcard", 1) }

// tlsVersions reads ssl_protocols.
func (m *migration) tlsVersions(s *server) {
	d := s.scope.one("ssl_protocols")
	if d == nil {
		return
	}
	old := slices.ContainsFunc(d.Args, func(v string) bool { return v == "TLSv1" || v == "TLSv1.1" || strings.HasPrefix(v, "SSL") })
	switch {
	case slices.Equal(d.Args, []string{"TLSv1.3"}):
		s.minTLS = "1.3"
		m.kept(d, "minVersion 1.3")
	case old:
		m.differs(d, "TLS 1.2 and 1.3 alone are spoken", "renew clients that know neither")
	default:
		m.kept(d, "TLS 1.2 and 1.3 are spoken")
	}
}
