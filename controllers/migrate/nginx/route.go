package nginx

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// route is what a location, or a part of it, becomes.
type route struct {
	server *server
	at     *nginxsyntax.Directive
	// location is where at is one with proxy_pass.
	location *location
	name     string
	path     pathMatch
	// handshakes restricts it to WebSocket handshakes: "if ($http_upgrade = websocket)".
	handshakes bool
	to         string // the new path, as a rewrite says it
	host       string // the new Host; "": the client's
	backends   []weighted
	policy     v1alpha1.Policy
	hashText   string // what an Ingress hashes and a WebSocketRoute can't
	redirect   *redirect
	cors       *cors
	// clientCerts, cors and redirect are the business of an Ingress.
	clientCerts *clientCerts
	maxBody     *nginxsyntax.Directive   // client_max_body_size, unless it is 0
	authHeaders []*nginxsyntax.Directive // those of proxy_set_header that externalAuth sends
}

// needsIngress reports whether a WebSocketRoute can't say all of it.
func (r *route) needsIngress() bool {
	return r.redirect != nil || r.cors != nil || r.clientCerts != nil
}

// routesOf adds the routes of a server.
func (m *migration) routesOf(s *server) {
	if s.toHTTPS {
		return
	}
	if m.wholeServer(s) {
		return
	}
	list, byName := m.locationsOf(s)
	first := len(m.routes)
	for _, l := range list {
		m.routesOfLocation(l, byName, list)
	}
	m.inNginxOrder(m.routes[first:])
	for _, l := range byName {
		if !m.told[l.scope.list0()] {
			m.kept(l.d, "only other locations lead here")
		}
	}
}

func (s *scope) list0() *nginxsyntax.Directive {
	if len(s.list) == 0 {
		return nil
	}
	return s.list[0]
}

// wholeServer reads what a server does with all requests; true when its locations are never reached.
func (m *migration) wholeServer(s *server) bool {
	if d, condition := httpsReturn(s.scope, s.hosts); d != nil && s.secure {
		s.redirectsPlain = true
		m.differs(d, "plain requests get 308 to https and not "+statusOf(d)+", so that a POST stays one; sockets too (insecureWebSocket: Redirect)", "")
		if condition != nil {
			m.silent(condition)
			m.kept(condition, "the redirect to https of hosts with TLS")
		}
		if condition == nil {
			m.differs(s.d, "the server would send clients to itself for ever", "")
		}
		return condition == nil
	}
	for _, d := range s.scope.own("return", "rewrite") {
		if d.Name == "rewrite" && (d.Arg(2) != "permanent" && d.Arg(2) != "redirect" || !wholePath(d.Arg(0))) {
			continue
		}
		r := &route{server: s, at: d, name: "all", path: prefixPath("/")}
		m.answer(d, r)
		m.silenceLocations(s)
		return true
	}
	return false
}

func (m *migration) silenceLocations(s *server) {
	for _, l := range s.scope.own("location") {
		m.silence(l.Block)
		m.kept(l, "never reached in nginx either")
	}
}

// routesOfLocation adds the routes of a location.
func (m *migration) routesOfLocation(l *location, byName map[string]*location, list []*location) {
	if l.isInternal() {
		m.silence(l.d.Block)
		if _, err := m.pathsOf(l, false); err == nil && len(l.scope.own("proxy_pass")) > 0 {
			m.kept(l.d, "clients can't ask for it")
		} else {
			m.lost(l.d, "a page of nginx's own", "have the backend send it")
		}
		return
	}
	proxied := l
	if l.scope.ownOne("proxy_pass") == nil {
		if tried := l.scope.ownOne("try_files"); tried != nil {
			if to := byName[tried.Arg(len(tried.Args)-1)]; to != nil {
				m.differs(tried, "all requests go to "+to.value+": Fairlead has no files", "serve the files by another Service, or by the backend")
				m.kept(to.d, "the backends of %s", l.d)
				copied := *l
				copied.scope = to.scope
				proxied = &copied
			}
		}
	}
	letters := slices.ContainsFunc(list, func(o *location) bool {
		return o != l && (o.kind == prefix || o.kind == firstPrefix) && o.value != "/" && !strings.HasSuffix(o.value, "/") && strings.HasPrefix(l.value, o.value)
	})
	m.handshakesOnly(l, letters)
	switch d := proxied.scope.ownOne("proxy_pass"); {
	case d != nil:
		m.proxied(proxied, d, letters, false)
	default:
		m.otherContent(l, letters)
	}
}

// handshakesOnly reads "if ($http_upgrade = websocket) { proxy_pass …; }", which splits a location.
func (m *migration) handshakesOnly(l *location, letters bool) {
	for _, d := range l.scope.own("if") {
		condition := strings.NewReplacer("(", "", ")", "", "'", "", `"`, "").Replace(strings.Join(d.Args, " "))
		fields := strings.Fields(condition)
		if len(fields) != 3 || fields[0] != "$http_upgrade" || !slices.Contains([]string{"=", "~", "~*"}, fields[1]) || !strings.EqualFold(strings.Trim(fields[2], "^$"), "websocket") {
			continue
		}
		inside := *l
		inside.scope = l.scope.inner(d.Block)
		if to := inside.scope.ownOne("proxy_pass"); to != nil {
			m.kept(d, "a rule for requests with Upgrade: websocket")
			m.proxied(&inside, to, letters, true)
		}
	}
}

// proxied adds the routes of a location with proxy_pass.
func (m *migration) proxied(l *location, d *nginxsyntax.Directive, letters, handshakes bool) {
	m.silent(d)
	m.useMaps(d)
	p, ok := m.readPass(l, d)
	if !ok {
		return
	}
	if p.variable {
		m.constants(l, d)
	}
	steps, err := m.stepsOf(l, &p, letters)
	if err != nil {
		m.lost(l.d, "the path: "+err.Error(), "write the expression anew, or list the paths")
		return
	}
	backends := m.backends(&p)
	if len(backends) == 0 {
		m.lost(d, "no server is left that could be asked", "add a Service for them")
		return
	}
	m.tellBackends(d, backends)
	for i := range steps {
		r := &route{
			server: l.server, at: l.d, location: l, name: l.ruleName(), path: steps[i].path, to: steps[i].to,
			backends: slices.Clone(backends), handshakes: handshakes,
		}
		if handshakes {
			r.name += "-upgrade"
		}
		m.policyOf(l, &p, r)
		m.add(r)
	}
}

func (m *migration) tellBackends(d *nginxsyntax.Directive, list []weighted) {
	var texts []string
	for _, b := range list {
		texts = append(texts, b.service.name)
	}
	m.kept(d, "backends: %s", strings.Join(texts, ", "))
}

// constants tells of the set directives whose values proxy_pass uses.
func (m *migration) constants(l *location, d *nginxsyntax.Directive) {
	for s := l.scope; s != nil; s = s.outer {
		for _, set := range s.own("set") {
			if slices.Contains(names(d.Arg(0)), trimDollar(set.Arg(0))) {
				m.kept(set, "the value stands where it is used")
			}
		}
	}
}

// add gives a route its place in the order and adds it.
func (m *migration) add(r *route) {
	r.path.rank = len(m.routes)
	m.routes = append(m.routes, r)
}

// policyOf reads all that a location says besides its path and its backends.
func (m *migration) policyOf(l *location, p *pass, r *route) {
	r.policy.Protocols = []v1alpha1.Protocol{v1alpha1.ProtocolWebSocket, v1alpha1.ProtocolHTTP}
	if r.handshakes {
		r.policy.Protocols = r.policy.Protocols[:1]
	}
	if l.server.redirectsPlain && l.server.secure {
		r.policy.InsecureWebSocket = v1alpha1.InsecureRedirect
	}
	m.upgrades(l, p.d)
	m.timeouts(l, p, r)
	m.balance(m.groups[p.host], r)
	m.access(l, r)
	m.readCORS(l, r)
	m.requestHeaders(l, p, r)
	m.responseHeaders(l, r)
	m.limits(l, r)
	m.retries(l, r)
	m.backendTLS(l, p, r)
	m.body(l, r)
}

// tellPath tells which paths a route takes, and in which way that differs from nginx.
func (m *migration) tellPath(r *route) {
	l := r.location
	if l == nil || l.kind == named {
		return
	}
	p := &r.path
	slash := strings.HasSuffix(l.value, "/") && l.value != "/"
	switch isPrefix := l.kind == prefix || l.kind == firstPrefix; {
	case isPrefix && p.kind == v1alpha1.PathPrefix && slash:
		m.differs(l.d, "Prefix "+p.value+", which takes "+strings.TrimSuffix(l.value, "/")+" too; nginx answers that with 301 to "+l.value, "")
	case isPrefix && p.isRegex() && slash && p.simple:
		m.differs(l.d, "RegularExpression "+p.value+"; nginx answers "+strings.TrimSuffix(l.value, "/")+" with 301 to "+l.value+", here another rule takes it, or none", "")
	case isPrefix && p.isRegex() && !slash && l.value != "/":
		m.kept(l.d, "RegularExpression %s: nginx compares prefixes letter by letter, so that %sx belongs to it too", p.value, l.value)
	default:
		m.kept(l.d, "%s %s", p.kind, p.value)
	}
}

// inNginxOrder makes the routes of a server be asked in nginx's order.
func (m *migration) inNginxOrder(routes []*route) {
	var paths []*pathMatch
	for _, r := range routes {
		paths = append(paths, &r.path)
	}
	byExpressions(routes)
	if m.options.Kind == Ingress {
		ingressExpressions(routes)
	}
	grown := inOrder(paths)
	for _, r := range routes {
		m.tellPath(r)
	}
	for _, rank := range grown {
		r := m.routes[rank]
		m.kept(r.at, "the expression is made longer by %s, which matches nothing: of several that match, nginx takes the first and Fairlead the longest", nothing)
	}
}

// byExpressions turns prefixes into expressions where an expression would otherwise come before them
// that nginx asks later: Fairlead takes an expression before any prefix.
func byExpressions(routes []*route) {
	for i, r := range slices.Backward(routes) { // the last first: one that is turned may turn those before it
		if r.path.kind != v1alpha1.PathPrefix {
			continue
		}
		if slices.ContainsFunc(routes[i+1:], func(later *route) bool { return later.path.isRegex() && overlap(&r.path, &later.path) }) {
			r.byExpression()
		}
	}
}

// byExpression turns the prefix of a route into an expression.
func (r *route) byExpression() {
	value := regexp.QuoteMeta(r.path.letters)
	if r.to != "" { // what follows the prefix stays; both end with a slash
		value, r.to = value+"(.*)", r.to+"$1"
	}
	r.path.kind, r.path.value = v1alpha1.PathRegularExpression, value
}

// retries reads proxy_next_upstream.
func (m *migration) retries(l *location, r *route) {
	next, tries, timeout := l.scope.one("proxy_next_upstream"), l.scope.one("proxy_next_upstream_tries"), l.scope.one("proxy_next_upstream_timeout")
	retries := &v1alpha1.Retries{}
	if tries != nil {
		if n, err := strconv.ParseInt(tries.Arg(0), 10, 32); err == nil && n >= 1 {
			attempts := int32(min(n, 16))
			retries.Attempts = &attempts
			m.kept(tries, "retries.attempts %d", attempts)
		} else {
			m.differs(tries, "three endpoints are tried", "write retries.attempts, up to 16")
		}
	}
	if next != nil {
		if slices.Contains(next.Args, "off") {
			one := int32(1)
			retries.Attempts = &one
			m.kept(next, "retries.attempts 1")
		} else {
			m.differs(next, "another endpoint is tried while no byte of an answer was seen, whatever the reason; answers count as answers", "")
		}
	}
	if timeout != nil {
		if length, err := parseTime(timeout.Arg(0)); err == nil {
			retries.Timeout = duration(length)
			m.kept(timeout, "retries.timeout %s", retries.Timeout)
		}
	}
	if retries.Attempts != nil || retries.Timeout != "" {
		r.policy.Retries = retries
	}
}

// backendTLS reads how backends are spoken to.
func (m *migration) backendTLS(l *location, p *pass, r *route) {
	if !p.secure {
		return
	}
	t := &v1alpha1.BackendTLS{Mode: v1alpha1.BackendTLSSkipVerify}
	r.policy.BackendTLS = t
	if d := l.scope.on("proxy_ssl_verify"); d != nil {
		t.Mode = v1alpha1.BackendTLSVerify
		m.kept(d, "backendTLS.mode Verify")
		if ca := l.scope.one("proxy_ssl_trusted_certificate"); ca != nil {
			t.CASecretName = m.secret(secretCA, objectName(l.server.name+"-backend", "backend"), ca.Arg(0), "")
			m.kept(ca, "Secret %s, key ca.crt", t.CASecretName)
		}
	}
	if d := l.scope.one("proxy_ssl_name"); d != nil && dnsName.MatchString(strings.ToLower(d.Arg(0))) && d.Arg(0)[0] != '*' {
		t.ServerName = strings.ToLower(d.Arg(0))
		m.kept(d, "backendTLS.serverName")
	}
	if d := l.scope.one("proxy_ssl_server_name"); d != nil {
		m.kept(d, "the server name is always sent")
	}
	if c, k := l.scope.one("proxy_ssl_certificate"), l.scope.one("proxy_ssl_certificate_key"); c != nil && k != nil {
		t.ClientCertSecretName = m.secret(secretTLS, objectName(l.server.name+"-proxy", "proxy"), c.Arg(0), k.Arg(0))
		m.kept(c, "Secret %s, backendTLS.clientCertSecretName", t.ClientCertSecretName)
		m.kept(k, "Secret %s", t.ClientCertSecretName)
	}
}

// body reads client_max_body_size.
func (m *migration) body(l *location, r *route) {
	d := l.scope.one("client_max_body_size")
	switch {
	case d == nil:
	case d.Arg(0) == "0":
		m.kept(d, "bodies are not bounded; messages of sockets never were")
	default:
		r.maxBody = d
	}
}

// boundBody tells of client_max_body_size once it is known what the route becomes.
func (m *migration) boundBody(r *route, ingress bool) {
	switch {
	case r.maxBody == nil:
	case ingress:
		m.kept(r.maxBody, "proxy-body-size for plain requests; it never bounded messages of sockets")
	default:
		m.differs(r.maxBody, "bodies of plain requests are not bounded; it never bounded messages of sockets", "have the backend refuse long bodies, or use --kind ingress")
	}
}
