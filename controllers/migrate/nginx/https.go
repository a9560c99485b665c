package nginx

import (
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// sameURLByHTTPS is the address of the request itself, but by https.
var sameURLByHTTPS = regexp.MustCompile(`^https://(?:\$(?:host|http_host|server_name)|\$\{(?:host|http_host|server_name)\}|[A-Za-z0-9.-]+)(?::443)?(?:\$request_uri|\$\{request_uri\}|\$uri(?:\$is_args\$args)?|/?\$1)?\??$`)

// goesToHTTPS reports whether a return or rewrite sends clients to the same place by https. hosts are
// those of the server, which a fixed name must be among.
func goesToHTTPS(d *nginxsyntax.Directive, hosts []string) bool {
	target := ""
	switch {
	case d.Name == "return" && len(d.Args) == 1 && strings.HasPrefix(d.Arg(0), "https://"):
		target = d.Arg(0)
	case d.Name == "return" && len(d.Args) == 2 && redirectStatus[d.Arg(0)] != 0:
		target = d.Arg(1)
	case d.Name == "rewrite" && len(d.Args) == 3 && (d.Arg(2) == "permanent" || d.Arg(2) == "redirect") && wholePath(d.Arg(0)):
		target = d.Arg(1)
	default:
		return false
	}
	if !sameURLByHTTPS.MatchString(target) {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(target, "https://"), "/")
	name, _, _ = strings.Cut(strings.TrimSuffix(name, ":443"), "$")
	if name == "" {
		return true
	}
	for _, h := range hosts {
		if !strings.EqualFold(h, name) {
			return false
		}
	}
	return true
}

// wholePath reports whether an expression of rewrite matches every path.
func wholePath(expression string) bool {
	switch expression {
	case "^", "^/", "^(.*)$", "^(.*)", "(.*)", "^/(.*)$", "^/(.*)", "^.*$", ".*", "/(.*)":
		return true
	}
	return false
}

// alwaysInPlain reports whether a condition holds for all plain requests of a server: it asks for the
// scheme, or for one of the server's own names, as Certbot writes it.
func alwaysInPlain(d *nginxsyntax.Directive, hosts []string) bool {
	condition := strings.Trim(strings.Join(d.Args, " "), "() ")
	left, right, found := strings.Cut(condition, " ")
	if !found {
		return false
	}
	operator, value, _ := strings.Cut(right, " ")
	value = strings.ToLower(strings.Trim(value, `"'`))
	switch left {
	case "$scheme":
		return operator == "=" && value == "http" || operator == "!=" && value == "https"
	case "$ssl_protocol", "$https":
		return operator == "=" && (value == "" || value == "off") || operator == "!=" && value == "on"
	case "$server_port":
		return operator == "=" && value == "80" || operator == "!=" && value == "443"
	case "$host", "$http_host":
		return operator == "=" && (len(hosts) == 0 || contains(hosts, value))
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// httpsReturn returns what in a block sends plain requests to https, and the if around it, if any.
func httpsReturn(at *scope, hosts []string) (found, condition *nginxsyntax.Directive) {
	for _, d := range at.own("return", "rewrite", "if") {
		if d.Name != "if" {
			if goesToHTTPS(d, hosts) {
				return d, nil
			}
			continue
		}
		if !alwaysInPlain(d, hosts) {
			continue
		}
		for _, in := range d.Block {
			if goesToHTTPS(in, hosts) {
				return in, d
			}
		}
	}
	return nil, nil
}

// onlyToHTTPS reports whether a server for plain requests does nothing else than send them to https:
// by itself or in its location /. Answers to ACME challenges beside it stay free in Fairlead.
func (m *migration) onlyToHTTPS(s *server) bool {
	if !s.plain || s.secure {
		return false
	}
	if found, _ := httpsReturn(s.scope, s.hosts); found != nil {
		return true
	}
	redirects := false
	for _, l := range s.scope.own("location") {
		inside := s.scope.inner(l.Block)
		if found, _ := httpsReturn(inside, s.hosts); found != nil && len(l.Args) > 0 && l.Args[len(l.Args)-1] == "/" {
			redirects = true
		} else if !isChallenge(l) {
			return false
		}
	}
	return redirects
}

func isChallenge(l *nginxsyntax.Directive) bool {
	return strings.Contains(strings.Join(l.Args, " "), "/.well-known/acme-challenge") || strings.Contains(strings.Join(l.Args, " "), `/\.well-known`)
}

// redirectServer tells what becomes of a server that only sends clients to https.
func (m *migration) redirectServer(s *server) {
	tls := false
	for _, o := range m.servers {
		tls = tls || o.secure && sameHost(s, o)
	}
	if !tls {
		s.toHTTPS = false // an ordinary redirect: TLS ends somewhere else
		return
	}
	m.silence(s.d.Block)
	d, condition := httpsReturn(s.scope, s.hosts)
	for _, in := range s.scope.list {
		if in != d && in != condition && in.Block == nil {
			m.kept(in, "part of the redirect to https of the hosts with TLS")
		}
	}
	if condition != nil {
		m.kept(condition, "part of the redirect to https of the hosts with TLS")
	}
	for _, l := range s.scope.own("location") {
		if found, _ := httpsReturn(s.scope.inner(l.Block), s.hosts); found != nil {
			d = found
		} else if isChallenge(l) {
			m.kept(l, "Fairlead leaves this path free in the clear, for an Ingress or route of cert-manager")
		}
	}
	if d.Arg(0) == "308" {
		m.kept(d, "plain requests get 308 to https, sockets too")
		return
	}
	m.differs(d, "plain requests get 308 to https and not "+statusOf(d)+", so that a POST stays one; sockets too (insecureWebSocket: Redirect)", "")
}

func statusOf(d *nginxsyntax.Directive) string {
	switch {
	case d.Name == "return" && len(d.Args) == 2:
		return d.Arg(0)
	case d.Arg(2) == "permanent":
		return "301"
	}
	return "302"
}
