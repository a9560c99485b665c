package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// forwarded are the headers that Fairlead sets by itself, and the variables for which that is the same.
var forwarded = map[string][]string{
	"x-real-ip":          {"$remote_addr", "$realip_remote_addr"},
	"x-forwarded-for":    {"$proxy_add_x_forwarded_for", "$remote_addr"},
	"x-forwarded-proto":  {"$scheme"},
	"x-forwarded-host":   {"$host", "$http_host", "$host:$server_port", "$host:$remote_port"},
	"x-forwarded-port":   {"$server_port"},
	"x-forwarded-server": {"$host", "$hostname", "$server_name"},
}

var (
	fieldName  = regexp.MustCompile("^[-!#$%&*+.^_|~0-9A-Za-z]+$")
	fieldValue = regexp.MustCompile(`^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$`)
)

// requestHeaders reads what backends are told by headers.
func (m *migration) requestHeaders(l *location, p *pass, r *route) {
	var host *nginxsyntax.Directive
	for _, d := range l.scope.all("proxy_set_header") {
		if slices.Contains(r.authHeaders, d) {
			continue
		}
		switch name := strings.ToLower(d.Arg(0)); name {
		case "upgrade", "connection": // upgrades tells
		case "host":
			host = d
		default:
			if ofProtocol(name) {
				m.kept(d, "headers of the protocol pass as they must")
				continue
			}
			m.requestHeader(d, name, l, r)
		}
	}
	m.hostHeader(l, p, host, r)
	if !m.general {
		m.general = true
		m.differs(p.d, "backends are always told X-Real-IP and X-Forwarded-For, -Host, -Port, -Proto and -Server; what clients send in them is dropped, unless they are trusted proxies", "name the proxies before Fairlead by --trusted-proxies")
	}
}

func (m *migration) requestHeader(d *nginxsyntax.Directive, name string, l *location, r *route) {
	value, known := m.vars.expand(d.Arg(1), nil, l.scope)
	_, field, isRequestHeader := strings.Cut(strings.Trim(d.Arg(1), "${}"), "http_")
	switch {
	case slices.Contains(forwarded[name], d.Arg(1)) || slices.Contains(forwarded[name], strings.NewReplacer("{", "", "}", "").Replace(d.Arg(1))):
		m.kept(d, "set by Fairlead itself")
	case forwarded[name] != nil && !known:
		m.differs(d, "set by Fairlead itself, from the connection or from what a trusted proxy tells", "name the proxies before Fairlead by --trusted-proxies")
	case isRequestHeader && strings.EqualFold(field, strings.ReplaceAll(name, "-", "_")):
		m.kept(d, "what the client sends passes")
	case !known:
		m.lost(d, "the header's value is known only when a request is there", "have the backend find it out by itself: X-Real-IP, X-Forwarded-* and the client's own headers are there")
	case !fieldName.MatchString(d.Arg(0)) || !fieldValue.MatchString(value) || len(value) > 1024:
		m.lost(d, "no header can have this name or value", "")
	case value == "":
		edits := r.request()
		edits.Remove = append(edits.Remove, v1alpha1.HeaderName(d.Arg(0)))
		m.kept(d, "headers.request.remove")
	default:
		edits := r.request()
		edits.Set = setHeader(edits.Set, d.Arg(0), value)
		m.kept(d, "headers.request.set")
	}
}

// setHeader sets a header once: the last one counts.
func setHeader(list []v1alpha1.Header, name, value string) []v1alpha1.Header {
	list = slices.DeleteFunc(list, func(h v1alpha1.Header) bool { return strings.EqualFold(string(h.Name), name) })
	return append(list, v1alpha1.Header{Name: v1alpha1.HeaderName(name), Value: value})
}

func (r *route) request() *v1alpha1.HeaderEdits {
	if r.headers().Request == nil {
		r.policy.Headers.Request = &v1alpha1.HeaderEdits{}
	}
	return r.policy.Headers.Request
}

func (r *route) response() *v1alpha1.HeaderEdits {
	if r.headers().Response == nil {
		r.policy.Headers.Response = &v1alpha1.HeaderEdits{}
	}
	return r.policy.Headers.Response
}

func (r *route) headers() *v1alpha1.Headers {
	if r.policy.Headers == nil {
		r.policy.Headers = &v1alpha1.Headers{}
	}
	return r.policy.Headers
}

// hostHeader reads the Host that backends get: that of the client, or another. Without proxy_set_header
// nginx sends $proxy_host, the name and port in proxy_pass.
func (m *migration) hostHeader(l *location, p *pass, d *nginxsyntax.Directive, r *route) {
	value := "$proxy_host"
	at := p.d
	if d != nil {
		value, _ = m.vars.expand(d.Arg(1), nil, l.scope)
		at = d
	}
	value = strings.NewReplacer("{", "", "}", "").Replace(value)
	switch value {
	case "$host", "$http_host", "$host:$server_port", "$host:$proxy_port", "$http_host:$server_port", "$host:80", "$host:443":
		if d != nil {
			m.kept(d, "backends get the client's Host, with its port if it has one")
		}
		return
	case "$server_name":
		if len(l.server.hosts) == 1 && l.server.hosts[0] != "" && !strings.HasPrefix(l.server.hosts[0], "*") {
			m.kept(d, "backends get the client's Host, which is the server's only name")
			return
		}
		m.differs(at, "backends get the client's Host instead of the server's first name", "")
		return
	case "$proxy_host", "$proxy_host:$proxy_port":
		m.defaultHost(at, d, p, r)
		return
	}
	name, port, _ := strings.Cut(strings.ToLower(value), ":")
	switch {
	case len(names(value)) > 0 || !dnsName.MatchString(name) || strings.HasPrefix(name, "*"):
		m.lost(at, "backends get the client's Host", "have the backend take it, or write a DNS name as rewrite.host")
	case port != "":
		r.host = name
		m.differs(at, "rewrite.host "+name+", without the port", "")
	default:
		r.host = name
		m.kept(at, "rewrite.host %s", name)
	}
}

// defaultHost decides what to do where nginx sends its own name for the backend. That of a host is
// kept, because one machine may serve many; nobody means the name of an upstream block or an address.
func (m *migration) defaultHost(at, written *nginxsyntax.Directive, p *pass, r *route) {
	_, address := isAddress(p.host)
	if m.groups[p.host] != nil || address || !dnsName.MatchString(p.host) {
		became := "backends get the client's Host; without proxy_set_header Host nginx sends " + p.hostOf()
		if written != nil {
			became = "backends get the client's Host and not " + p.hostOf()
		}
		m.differs(at, became, "write rewrite: {host: …} into the rule if a backend wants a certain name")
		return
	}
	r.host = p.host
	if p.hostOf() != p.host {
		m.differs(at, "rewrite.host "+p.host+"; nginx sends "+p.hostOf(), "")
		return
	}
	m.kept(at, "rewrite.host %s, which nginx sends by default", p.host)
}

// responseHeaders reads what is changed in answers.
func (m *migration) responseHeaders(l *location, r *route) {
	for _, d := range l.scope.all("proxy_hide_header") {
		if !fieldName.MatchString(d.Arg(0)) {
			m.lost(d, "no header can have this name", "")
			continue
		}
		edits := r.response()
		edits.Remove = append(edits.Remove, v1alpha1.HeaderName(d.Arg(0)))
		m.kept(d, "headers.response.remove")
	}
	for _, d := range l.scope.all("add_header") {
		if !r.isCORS(d) {
			m.responseHeader(d, l, r)
		}
	}
}

func (m *migration) responseHeader(d *nginxsyntax.Directive, l *location, r *route) {
	value, known := m.vars.expand(d.Arg(1), nil, l.scope)
	switch {
	case !known:
		m.lost(d, "the header's value is known only when a request is there", "have the backend send it")
	case !fieldName.MatchString(d.Arg(0)) || !fieldValue.MatchString(value) || len(value) > 1024:
		m.lost(d, "no header can have this name or value", "")
	case value == "":
		m.kept(d, "no header: its value is empty")
	case ofProtocol(d.Arg(0)):
		m.lost(d, "this header belongs to the connection, and can't be set", "")
	default:
		edits := r.response()
		edits.Set = setHeader(edits.Set, d.Arg(0), value)
		if d.Arg(2) == "always" {
			m.kept(d, "headers.response.set")
		} else {
			m.differs(d, "headers.response.set: on every answer, the 101 and errors too; nginx adds it, without always, to some only", "")
		}
	}
}

// ofProtocol reports whether a header belongs to the protocol, and so can't be changed.
func ofProtocol(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "sec-websocket-") || slices.Contains([]string{
		"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
	}, name)
}
