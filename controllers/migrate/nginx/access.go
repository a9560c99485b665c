package nginx

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// nobody is the networks of everybody: as DenyCIDRs they let nobody in.
var nobody = []v1alpha1.CIDR{"0.0.0.0/0", "::/0"}

// access reads who may come in. What guards a location and can't be kept closes it: it must not be
// opened because nobody could read the lock.
func (m *migration) access(l *location, r *route) {
	m.addresses(l, r)
	m.basicAuth(l, r)
	m.authRequest(l, r)
	m.clientCertificates(l, r)
	if d := l.scope.one("satisfy"); d != nil && r.policy.Access != nil {
		if d.Arg(0) == "any" && len(r.policy.Access.AllowCIDRs) > 0 && (r.policy.Access.BasicAuth != nil || r.policy.Access.ExternalAuth != nil) {
			m.differs(d, "clients must pass all checks, not any of them", "add the annotation nginx.ingress.kubernetes.io/satisfy: any to an Ingress, or drop one check")
		} else {
			m.kept(d, "clients must pass all checks")
		}
	}
	for _, name := range []string{"auth_jwt", "auth_digest", "secure_link", "geoip_country", "access_by_lua_block", "access_by_lua_file", "js_access"} {
		if d := l.scope.one(name); d != nil && d.Arg(0) != "off" {
			m.closed(d, r)
		}
	}
}

// closed lets nobody in, because of a directive.
func (m *migration) closed(d *nginxsyntax.Directive, r *route) {
	r.access().DenyCIDRs = nobody
	m.lost(d, "the location is guarded in a way that Fairlead can't: clients get 403", "guard it by policy.access, or in the backend, and remove denyCIDRs")
}

func (r *route) access() *v1alpha1.Access {
	if r.policy.Access == nil {
		r.policy.Access = &v1alpha1.Access{}
	}
	return r.policy.Access
}

// addresses reads allow and deny, of which nginx takes the first that fits: denied ones first, then
// allowed ones, then "deny all" or nothing, is what Fairlead can say.
func (m *migration) addresses(l *location, r *route) {
	list := l.scope.all("allow", "deny")
	var allowed, denied []v1alpha1.CIDR
	end := ""
	for i, d := range list {
		if d.Arg(0) == "all" {
			end = d.Name
			m.silent(list[i:]...)
			list = list[:i]
			break
		}
	}
	bad := slices.ContainsFunc(list, func(d *nginxsyntax.Directive) bool { return !isNetwork(d.Arg(0)) })
	for _, d := range list {
		if d.Name == "allow" {
			allowed = append(allowed, v1alpha1.CIDR(d.Arg(0)))
			continue
		}
		bad = bad || len(allowed) > 0 && d.Name == "deny" && end != "deny"
		bad = bad || len(allowed) > 0 && covers(d.Arg(0), allowed)
		denied = append(denied, v1alpha1.CIDR(d.Arg(0)))
	}
	switch {
	case len(list) == 0 && end != "deny":
		return
	case bad || len(allowed) > 256 || len(denied) > 256:
		r.access().DenyCIDRs = nobody
		for _, d := range list {
			m.lost(d, "addresses that are denied count before those that are allowed here, whatever their order: clients get 403", "write allowCIDRs and denyCIDRs by hand")
		}
		return
	case end == "deny" && len(allowed) == 0:
		denied = nobody
	}
	a := r.access()
	a.DenyCIDRs = denied
	if end == "deny" && len(allowed) > 0 {
		a.AllowCIDRs = allowed
	}
	for _, d := range l.scope.all("allow", "deny") {
		m.kept(d, "policy.access; of clients behind proxies the address that trusted ones tell")
	}
}

func isNetwork(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// covers reports whether a denied network shares addresses with networks that were allowed before it.
func covers(denied string, allowed []v1alpha1.CIDR) bool {
	d, ok := network(denied)
	return ok && slices.ContainsFunc(allowed, func(c v1alpha1.CIDR) bool {
		a, ok := network(string(c))
		return ok && a.Overlaps(d)
	})
}

func network(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// basicAuth reads auth_basic.
func (m *migration) basicAuth(l *location, r *route) {
	d, file := l.scope.one("auth_basic"), l.scope.one("auth_basic_user_file")
	if d == nil || d.Arg(0) == "off" {
		if d != nil {
			m.kept(d, "no password is asked")
		}
		return
	}
	if file == nil || len(names(file.Arg(0))) > 0 {
		m.closed(d, r)
		return
	}
	r.access().BasicAuth = &v1alpha1.BasicAuth{SecretName: m.secret(secretUsers, objectName(l.server.name+"-users", "users"), file.Arg(0), "")}
	if len(d.Arg(0)) <= 128 && len(names(d.Arg(0))) == 0 {
		r.policy.Access.BasicAuth.Realm = d.Arg(0)
	}
	m.kept(d, "policy.access.basicAuth")
	m.kept(file, "Secret %s, key auth", r.policy.Access.BasicAuth.SecretName)
}

// authRequest reads auth_request: the location that it names says whom to ask.
func (m *migration) authRequest(l *location, r *route) {
	d := l.scope.one("auth_request")
	if d == nil || d.Arg(0) == "off" {
		if d != nil {
			m.kept(d, "nobody is asked")
		}
		return
	}
	asked := m.locationFor(l.server, d.Arg(0))
	var p pass
	if asked != nil && asked.d != l.d {
		if to := asked.scope.ownOne("proxy_pass"); to != nil {
			p, _ = m.readPass(asked, to)
		}
	}
	if p.host == "" {
		m.closed(d, r)
		return
	}
	url := m.urlOf(&p, asked.value)
	r.access().ExternalAuth = &v1alpha1.ExternalAuth{URL: url}
	if t := asked.scope.ownOne("proxy_read_timeout"); t != nil {
		if length, err := parseTime(t.Arg(0)); err == nil {
			r.policy.Access.ExternalAuth.Timeout = duration(length)
		}
	}
	m.authHeaders(l, r)
	if asked.isInternal() {
		m.silence(asked.d.Block)
	}
	m.kept(asked.d, "policy.access.externalAuth asks %s", url)
	m.differs(d, "policy.access.externalAuth: the service gets the client's headers and X-Original-URL, -Method, X-Real-IP and X-Forwarded-For", "see that it needs no other header that the location "+d.Arg(0)+" sets")
}

// authHeaders reads which headers of the service's answer backends get: auth_request_set puts one into a
// variable, and proxy_set_header sends that.
func (m *migration) authHeaders(l *location, r *route) {
	for _, set := range l.scope.all("auth_request_set") {
		_, source, is := strings.Cut(set.Arg(1), "$upstream_http_")
		used := false
		for _, h := range l.scope.all("proxy_set_header") {
			if !is || h.Arg(1) != set.Arg(0) {
				continue
			}
			used = strings.EqualFold(strings.ReplaceAll(h.Arg(0), "-", "_"), source)
			if used {
				r.policy.Access.ExternalAuth.ResponseHeaders = append(r.policy.Access.ExternalAuth.ResponseHeaders, v1alpha1.HeaderName(h.Arg(0)))
				r.authHeaders = append(r.authHeaders, h)
				m.kept(h, "externalAuth.responseHeaders")
			}
		}
		if used {
			m.kept(set, "externalAuth.responseHeaders")
		} else {
			m.lost(set, "a header of the service's answer goes to backends under its own name, or not at all", "have the backend read it under that name, and add it to externalAuth.responseHeaders")
		}
	}
}

// urlOf writes where a proxy_pass leads as a URL that Fairlead can ask.
func (m *migration) urlOf(p *pass, value string) string {
	scheme := "http://"
	if p.secure {
		scheme = "https://"
	}
	host := p.hostOf()
	if m.groups[p.host] != nil {
		if list := m.backends(p); len(list) > 0 {
			s := list[0].service
			host = s.name + ":" + strconv.Itoa(s.port)
			if len(s.addresses) > 0 {
				host = s.addresses[0].String()
			} else if s.external != "" {
				host = s.external + ":" + strconv.Itoa(s.port)
			}
		}
	}
	if p.hasURI {
		return scheme + host + p.uri
	}
	return scheme + host + value
}

// locationFor finds the location that nginx would take for a path, among those that are simple.
func (m *migration) locationFor(s *server, uri string) *location {
	list, byName := m.locationsOf(s)
	if l := byName[uri]; l != nil {
		return l
	}
	for _, l := range list {
		if l.kind == exact && l.value == uri || (l.kind == prefix || l.kind == firstPrefix) && strings.HasPrefix(uri, l.value) {
			return l
		}
	}
	return nil
}

// clientCertificates reads ssl_verify_client.
func (m *migration) clientCertificates(l *location, r *route) {
	verify, ca := l.scope.one("ssl_verify_client"), l.scope.one("ssl_client_certificate")
	if verify == nil || verify.Arg(0) == "off" || !l.server.secure {
		return
	}
	if ca == nil {
		m.closed(verify, r)
		return
	}
	revoked, lists := l.scope.one("ssl_crl"), ""
	if revoked != nil {
		lists = revoked.Arg(0)
	}
	r.clientCerts = &clientCerts{mode: verify.Arg(0), secret: m.secret(secretCA, objectName(l.server.name+"-clients", "clients"), ca.Arg(0), lists), at: verify}
	if revoked != nil {
		m.kept(revoked, "Secret %s, key ca.crl", r.clientCerts.secret)
	}
	if depth := l.scope.one("ssl_verify_depth"); depth != nil {
		r.clientCerts.depth = depth.Arg(0)
		m.kept(depth, "auth-tls-verify-depth")
	}
	m.kept(ca, "Secret %s, key ca.crt", r.clientCerts.secret)
	m.kept(verify, "auth-tls-verify-client; an Ingress has it, a WebSocketRoute not")
}

// clientCerts asks clients for certificates.
type clientCerts struct {
	mode, secret, depth string
	at                  *nginxsyntax.Directive
}
