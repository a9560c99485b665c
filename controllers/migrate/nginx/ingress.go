package nginx

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// The prefixes of annotations.
const (
	ourPrefix   = "fairlead.dev/"
	nginxPrefix = "nginx.ingress.kubernetes.io/"
)

// ingressExpressions turns all paths of a server into expressions when one of them is, or is rewritten:
// on one host of Ingresses all paths are compared in one way.
func ingressExpressions(routes []*route) {
	expressions := false
	for _, r := range routes {
		expressions = expressions || r.path.isRegex() || r.to != ""
	}
	if !expressions {
		return
	}
	for _, r := range routes {
		p := &r.path
		switch p.kind {
		case v1alpha1.PathExact:
			p.value = regexp.QuoteMeta(p.value) + "$"
		case v1alpha1.PathPrefix:
			r.byExpression()
		}
		p.kind = v1alpha1.PathRegularExpression
		p.value = caseSensitive(p.value)
	}
}

// caseSensitive writes an expression for a host whose expressions count upper case as lower, and begins
// it with the slash that a path of an Ingress must begin with.
func caseSensitive(value string) string {
	folded, fold := strings.CutPrefix(value, "(?i)")
	rest, slash := strings.CutPrefix(folded, "/")
	begin := "/"
	if !slash || topLevelOr(folded) {
		rest, begin = folded, "/{0}" // a slash that is not there: the expression is left as it is
	}
	if fold {
		return begin + "(?:" + rest + ")"
	}
	if !strings.ContainsFunc(rest, isLetter) {
		return begin + rest
	}
	return begin + "(?-i:" + rest + ")"
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 }

// topLevelOr reports whether an expression has alternatives outside all groups.
func topLevelOr(expression string) bool {
	depth, class := 0, false
	for i := 0; i < len(expression); i++ {
		switch c := expression[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			return true
		}
	}
	return false
}

// ingress makes the object of a route.
func (m *migration) ingress(g *group, r *route) []Object {
	if r.handshakes {
		m.lost(r.at, "an Ingress can't tell handshakes from requests", "use --kind websocketroute")
		return nil
	}
	name := m.routeNames.unique(objectName(g.name()+"-"+r.name, "route"))
	path := networkingv1.HTTPIngressPath{Path: r.path.value, Backend: networkingv1.IngressBackend{Service: m.oneService(r)}}
	kind := networkingv1.PathTypePrefix
	switch {
	case r.path.isRegex() && m.options.Kind != Ingress:
		path.Path = r.path.letters
		m.differs(r.at, "Prefix "+path.Path+" by whole elements, because an Ingress has what this location needs", "")
	case r.path.isRegex():
		kind = networkingv1.PathTypeImplementationSpecific
	case r.path.kind == v1alpha1.PathExact:
		kind = networkingv1.PathTypeExact
	}
	path.PathType = &kind
	made := &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"},
		ObjectMeta: m.meta(name),
		Spec:       networkingv1.IngressSpec{IngressClassName: &m.options.IngressClass},
	}
	made.Annotations = m.annotationsOf(g, r)
	if kind == networkingv1.PathTypeImplementationSpecific {
		made.Annotations[ourPrefix+"use-regex"] = "true"
	}
	hosts := g.hosts
	if len(hosts) == 0 {
		hosts = []string{""}
	} else if g.server.secret != "" {
		made.Spec.TLS = []networkingv1.IngressTLS{{Hosts: hosts, SecretName: g.server.secret}}
	}
	for _, h := range hosts {
		made.Spec.Rules = append(made.Spec.Rules, networkingv1.IngressRule{
			Host:             h,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{path}}},
		})
	}
	return []Object{{"Ingress", name, made}}
}

// oneService returns the Service of a route: an Ingress knows one for a path.
func (m *migration) oneService(r *route) *networkingv1.IngressServiceBackend {
	one := r.backends[0].service
	if len(r.backends) > 1 {
		key := "one of " + one.name
		made := m.services.by[key]
		if made == nil {
			joined := m.services.add(one.name+"-all", one.port)
			for _, b := range r.backends {
				joined.addresses = append(joined.addresses, b.service.addresses...)
				if b.service.external != "" {
					m.lost(r.at, "an Ingress has one Service for a path, and "+b.service.external+" can't be in it", "use --kind websocketroute")
				}
			}
			if len(joined.addresses) == 0 {
				joined.external = one.external
			}
			made = []weighted{{joined, 1}}
			m.services.by[key] = made
			m.differs(r.at, "Service "+joined.name+" without weights: an Ingress has one Service for a path", "use --kind websocketroute, which has weights")
		}
		one = made[0].service
	}
	one.used = true
	return &networkingv1.IngressServiceBackend{Name: one.name, Port: networkingv1.ServiceBackendPort{Number: int32(one.port)}}
}

// annotationsOf writes a route's policy as annotations.
func (m *migration) annotationsOf(g *group, r *route) map[string]string {
	set := map[string]string{}
	ours := func(name, value string) {
		if value != "" {
			set[ourPrefix+name] = value
		}
	}
	if r.redirect != nil {
		maps.Copy(set, r.redirect.annotations())
		return set
	}
	if t := r.policy.Timeouts; t != nil {
		ours("connect-timeout", string(t.Connect))
		ours("handshake-timeout", string(t.Handshake))
		ours("idle-timeout", string(t.Idle))
		ours("stall-timeout", string(t.Stall))
	}
	ours("rewrite-host", r.host)
	ours("rewrite-target", r.to)
	if r.maxBody != nil {
		set[nginxPrefix+"proxy-body-size"] = r.maxBody.Arg(0)
	}
	if g.server.secure && g.server.secret != "" {
		switch {
		case r.policy.InsecureWebSocket == v1alpha1.InsecureRedirect:
			ours("insecure-websocket", "redirect")
		case g.server.plain && !g.server.redirectsPlain:
			ours("ssl-redirect", "false")
		}
		ours("tls-min-version", g.server.minTLS)
	}
	m.balanceAnnotations(r, ours, set)
	accessAnnotations(r, ours, set)
	headerAnnotations(r, ours)
	limitAnnotations(r, ours)
	m.corsAnnotations(r, ours, set)
	return set
}

func (m *migration) balanceAnnotations(r *route, ours func(name, value string), set map[string]string) {
	if r.hashText != "" {
		set[nginxPrefix+"upstream-hash-by"] = r.hashText
	}
	if t := r.policy.Retries; t != nil {
		if t.Attempts != nil {
			ours("retries", strconv.Itoa(int(*t.Attempts)))
		}
		ours("retry-timeout", string(t.Timeout))
	}
	if t := r.policy.BackendTLS; t != nil {
		ours("backend-tls", map[v1alpha1.BackendTLSMode]string{v1alpha1.BackendTLSVerify: "verify", v1alpha1.BackendTLSSkipVerify: "skip-verify"}[t.Mode])
		ours("backend-tls-server-name", t.ServerName)
		ours("backend-tls-ca-secret", t.CASecretName)
		ours("backend-tls-client-cert-secret", t.ClientCertSecretName)
	}
	b := r.policy.Balance
	if b == nil {
		return
	}
	ours("balance", map[v1alpha1.Algorithm]string{v1alpha1.LeastSessions: "least-sessions", v1alpha1.ConsistentHash: "consistent-hash"}[b.Algorithm])
	var parts []string
	for _, on := range b.HashOn {
		kind := map[v1alpha1.HashOnType]string{v1alpha1.HashOnCookie: "cookie:", v1alpha1.HashOnHeader: "header:", v1alpha1.HashOnQueryParam: "query-param:", v1alpha1.HashOnSourceIP: "source-ip"}[on.Type]
		parts = append(parts, kind+on.Name)
	}
	ours("hash-on", strings.Join(parts, ", "))
	if c := b.StickyCookie; c != nil {
		ours("sticky-cookie", c.Name)
		ours("sticky-cookie-path", c.Path)
		ours("sticky-cookie-max-age", string(c.MaxAge))
	}
}

func accessAnnotations(r *route, ours func(name, value string), set map[string]string) {
	if c := r.clientCerts; c != nil {
		set[nginxPrefix+"auth-tls-secret"] = c.secret
		set[nginxPrefix+"auth-tls-verify-client"] = c.mode
		if c.depth != "" {
			set[nginxPrefix+"auth-tls-verify-depth"] = c.depth
		}
	}
	a := r.policy.Access
	if a == nil {
		return
	}
	ours("allow-cidrs", joined(a.AllowCIDRs))
	ours("deny-cidrs", joined(a.DenyCIDRs))
	if b := a.BasicAuth; b != nil {
		ours("basic-auth-secret", b.SecretName)
		ours("basic-auth-realm", b.Realm)
	}
	if e := a.ExternalAuth; e != nil {
		ours("external-auth-url", e.URL)
		ours("external-auth-timeout", string(e.Timeout))
		ours("external-auth-response-headers", joined(e.ResponseHeaders))
	}
}

func joined[S ~string](list []S) string {
	var texts []string
	for _, s := range list {
		texts = append(texts, string(s))
	}
	return strings.Join(texts, ", ")
}

func headerAnnotations(r *route, ours func(name, value string)) {
	h := r.policy.Headers
	if h == nil {
		return
	}
	for direction, edits := range map[string]*v1alpha1.HeaderEdits{"request": h.Request, "response": h.Response} {
		if edits == nil {
			continue
		}
		ours(direction+"-headers-set", fields(edits.Set))
		ours(direction+"-headers-remove", joined(edits.Remove))
	}
}

func fields(list []v1alpha1.Header) string {
	var lines []string
	for _, h := range list {
		lines = append(lines, fmt.Sprintf("%s: %s", h.Name, h.Value))
	}
	return strings.Join(lines, "\n")
}

func limitAnnotations(r *route, ours func(name, value string)) {
	l := r.policy.Limits
	if l == nil {
		return
	}
	for name, n := range map[string]*int32{
		"sessions": l.Sessions, "sessions-per-client": l.SessionsPerClient, "handshakes-per-second": l.HandshakesPerSecond,
		"handshakes-per-second-per-client": l.HandshakesPerSecondPerClient, "burst": l.Burst,
	} {
		if n != nil {
			ours(name, strconv.Itoa(int(*n)))
		}
	}
}

func (m *migration) corsAnnotations(r *route, ours func(name, value string), set map[string]string) {
	c := r.cors
	if c == nil {
		return
	}
	nginx := func(name, value string) {
		if value != "" {
			set[nginxPrefix+name] = value
		}
	}
	nginx("enable-cors", "true")
	nginx("cors-allow-origin", strings.Join(c.origins, ", "))
	nginx("cors-allow-methods", c.methods)
	nginx("cors-allow-headers", c.headers)
	nginx("cors-expose-headers", c.expose)
	nginx("cors-allow-credentials", strconv.FormatBool(c.credentials))
	if c.maxAge > 0 {
		nginx("cors-max-age", strconv.Itoa(int(c.maxAge.Seconds())))
	}
	// CORS keeps no page from opening a WebSocket, in nginx as here; so that nobody is told about it.
	ours("origins", "*")
	for _, d := range c.lines {
		m.kept(d, "CORS of an Ingress")
	}
	if c.preflight != nil {
		m.silence(c.preflight.Block)
		m.kept(c.preflight, "OPTIONS is answered 204, as long as it asks for CORS")
	} else if len(c.lines) > 0 {
		m.differs(c.lines[0], "OPTIONS is answered by Fairlead when it asks for CORS; nginx leads it to the backend", "")
	}
}
