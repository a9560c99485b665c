package nginx

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// pass is where a proxy_pass leads.
type pass struct {
	d      *nginxsyntax.Directive
	secure bool   // https
	host   string // the name of an upstream block, a host name or an address
	port   int
	// uri is what follows host and port; hasURI tells "" from none.
	uri      string
	hasURI   bool
	variable bool // it was written with variables, and so replaces the whole path
}

// hostAndPort is the address of a server in an upstream block.
var hostAndPort = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[^/:$]+)(?::(\d+))?$`)

var passPattern = regexp.MustCompile(`^(https?)://(\[[0-9a-fA-F:.]+\]|[^/:?$]+)(?::(\d+))?([/?].*|\$.*)?$`)

// wholeURI is what people write behind the address to pass the path on as it is.
var wholeURI = []string{"$request_uri", "$uri$is_args$args", "$uri?$args", "$uri", "${request_uri}", "$document_uri$is_args$args"}

// readPass reads proxy_pass; false when it leads nowhere that is known, which is told.
func (m *migration) readPass(l *location, d *nginxsyntax.Directive) (pass, bool) {
	written := d.Arg(0)
	text, _ := m.vars.expand(written, map[string]string{"scheme": "http"}, l.scope)
	p := pass{d: d, variable: len(names(written)) > 0}
	if strings.Contains(text, "://unix:") {
		m.lost(d, "Fairlead dials no Unix sockets", "let the program listen on TCP, and add a Service for it")
		return p, false
	}
	found := passPattern.FindStringSubmatch(text)
	if found == nil {
		m.lost(d, "where it leads is known only when a request is there", "write a route for each place that the variables may name")
		return p, false
	}
	p.secure, p.host = found[1] == "https", strings.ToLower(strings.Trim(found[2], "[]"))
	if m.groups[found[2]] != nil { // names of blocks are compared as they are
		p.host = found[2]
	}
	p.port = 80
	if p.secure {
		p.port = 443
	}
	if found[3] != "" {
		n, err := strconv.Atoi(found[3])
		if err != nil || n < 1 || n > 65535 {
			m.lost(d, "the port is none", "")
			return p, false
		}
		p.port = n
	}
	p.uri, p.hasURI = found[4], found[4] != ""
	if slices.Contains(wholeURI, p.uri) {
		p.uri, p.hasURI = "", false
	}
	return p, true
}

// isAddress reports whether a host is an IP address, or the name that every machine has for itself.
func isAddress(host string) (netip.Addr, bool) {
	if host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// hostOf returns the Host header that nginx would send by default ($proxy_host).
func (p *pass) hostOf() string {
	usual := 80
	if p.secure {
		usual = 443
	}
	if p.port == usual {
		return p.host
	}
	return p.host + ":" + strconv.Itoa(p.port)
}
