package nginx

import (
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// redirect answers all requests of a route.
type redirect struct {
	status int
	to     string
}

var redirectStatus = map[string]int{"301": 301, "302": 302, "303": 303, "307": 307, "308": 308}

// answer reads return, or a rewrite that redirects: the route is a redirect, a refusal, or lost.
func (m *migration) answer(d *nginxsyntax.Directive, r *route) {
	status, to := 302, d.Arg(0)
	switch {
	case d.Name == "rewrite":
		to = m.rewrittenWhole(d)
		if d.Arg(2) == "permanent" {
			status = 301
		}
	case len(d.Args) > 1:
		status, to = redirectStatus[d.Arg(0)], d.Arg(1)
	case redirectStatus[d.Arg(0)] != 0 || !strings.Contains(d.Arg(0), "/"):
		status = 0
	}
	if status == 0 {
		m.fixedAnswer(d, r)
		return
	}
	template, ok := redirectTemplate(to)
	if !ok {
		m.lost(d, "where it leads has variables that Fairlead doesn't know", "have the backend send the redirect")
		return
	}
	r.redirect = &redirect{status, template}
	m.kept(d, "an Ingress with the annotation %s-redirect", map[bool]string{true: "permanent", false: "temporal"}[status == 301 || status == 308])
	m.add(r)
}

// rewrittenWhole returns where a rewrite of every path leads.
func (m *migration) rewrittenWhole(d *nginxsyntax.Directive) string {
	to, cut := strings.CutSuffix(d.Arg(1), "?")
	switch {
	case strings.HasSuffix(to, "/$1") && strings.HasPrefix(d.Arg(0), "^/("):
		to = strings.TrimSuffix(to, "/$1") + "$request_uri"
	case strings.HasSuffix(to, "$1"):
		to = strings.TrimSuffix(to, "$1") + "$request_uri"
	case !cut && !strings.Contains(to, "$request_uri"):
		m.differs(d, "the query of the request is not added", "")
	}
	return to
}

// redirectTemplate writes a target with the variables that redirects know.
func redirectTemplate(to string) (string, bool) {
	for _, whole := range []string{"$uri$is_args$args", "$document_uri$is_args$args", "${uri}${is_args}${args}"} {
		to = strings.ReplaceAll(to, whole, "$request_uri")
	}
	for _, name := range names(to) {
		switch name {
		case "scheme", "host", "http_host", "server_name", "request_uri", "uri", "args", "query_string":
			continue
		}
		if !strings.HasPrefix(name, "arg_") && !strings.HasPrefix(name, "cookie_") && !strings.HasPrefix(name, "http_") {
			return "", false
		}
	}
	return to, strings.HasPrefix(to, "http://") || strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "/") || strings.HasPrefix(to, "$scheme://")
}

// fixedAnswer is a return of a status, or of a text.
func (m *migration) fixedAnswer(d *nginxsyntax.Directive, r *route) {
	switch d.Arg(0) {
	case "403", "404", "410", "444", "401", "405":
		if r.path.value == "/" && r.path.kind == v1alpha1.PathPrefix {
			m.differs(d, "nothing is served there, so that clients get 404", "")
			return
		}
		m.refuse(r)
		if d.Arg(0) == "403" {
			m.kept(d, "denyCIDRs: nobody is let in, 403")
		} else {
			m.differs(d, "denyCIDRs: nobody is let in, 403 instead of "+d.Arg(0), "")
		}
	default:
		m.lost(d, "Fairlead sends no answers of its own", "have a backend send it")
	}
}

// refuse adds a route that lets nobody in.
func (m *migration) refuse(r *route) {
	r.access().DenyCIDRs = nobody
	r.policy.Protocols = []v1alpha1.Protocol{v1alpha1.ProtocolWebSocket, v1alpha1.ProtocolHTTP}
	m.add(r)
}

// otherContent reads a location without proxy_pass.
func (m *migration) otherContent(l *location, letters bool) {
	paths, err := m.pathsOf(l, letters)
	if err != nil {
		m.lost(l.d, "the path: "+err.Error(), "")
		return
	}
	r := &route{server: l.server, at: l.d, name: l.ruleName(), path: paths}
	for _, d := range l.scope.own("return", "rewrite") {
		if d.Name == "rewrite" && d.Arg(2) != "permanent" && d.Arg(2) != "redirect" {
			continue
		}
		if d.Name == "rewrite" && !wholePath(d.Arg(0)) && strings.Contains(d.Arg(1), "$") {
			m.lost(d, "a redirect with parts of the path", "have the backend send it")
			continue
		}
		m.kept(l.d, "%s %s", paths.kind, paths.value)
		m.answer(d, r)
		return
	}
	if all := l.scope.all("allow", "deny"); len(all) > 0 && all[0].Name == "deny" && all[0].Arg(0) == "all" {
		m.kept(all[0], "denyCIDRs: nobody is let in, 403")
		m.silenceFiles(l.d.Block)
		m.refuse(r)
		m.kept(l.d, "denyCIDRs: nobody is let in, 403")
		return
	}
	m.noContent(l)
}

// noContent tells of a location that Fairlead can't serve.
func (m *migration) noContent(l *location) {
	for _, d := range l.scope.list {
		switch d.Name {
		case "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
			m.silence(l.d.Block)
			m.lost(d, "only HTTP is spoken to backends: the location is left out", "serve HTTP from the program, or put a proxy beside it")
			return
		case "content_by_lua_block", "content_by_lua_file", "js_content", "perl":
			m.silence(l.d.Block)
			m.lost(d, "Fairlead runs no code: the location is left out", "have a backend do it")
			return
		case "stub_status":
			m.silence(l.d.Block)
			m.differs(d, "Fairlead has metrics at its admin address", "")
			return
		}
	}
	if nested := len(l.scope.own("location")) > 0; nested && l.scope.one("root") == nil && l.scope.one("alias") == nil {
		m.kept(l.d, "the locations in it")
		return
	}
	m.silenceFiles(l.d.Block)
	m.lost(l.d, "Fairlead has no files: the location is left out, and its requests go to the next prefix that has them, or get 404", "serve the files by another Service, or by the backend, and add a rule for the path")
}

// silenceFiles silences what files are served by; other directives are told by themselves.
func (m *migration) silenceFiles(list []*nginxsyntax.Directive) {
	for _, d := range list {
		switch d.Name {
		case "location", "proxy_pass":
		default:
			m.silence(d.Block)
			m.silent(d)
		}
	}
}

func (r *redirect) annotations() map[string]string {
	if r.status == 301 || r.status == 308 {
		return map[string]string{nginxPrefix + "permanent-redirect": r.to, nginxPrefix + "permanent-redirect-code": strconv.Itoa(r.status)}
	}
	return map[string]string{nginxPrefix + "temporal-redirect": r.to, nginxPrefix + "temporal-redirect-code": strconv.Itoa(r.status)}
}
