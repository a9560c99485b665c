package nginx

import (
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// balance reads how an upstream block chooses a server.
func (m *migration) balance(group *nginxsyntax.Directive, r *route) {
	if group == nil {
		return
	}
	for _, d := range group.Block {
		switch d.Name {
		case "server":
		case "ip_hash":
			m.hashOn(r, v1alpha1.HashOn{Type: v1alpha1.HashOnSourceIP})
			m.differs(d, "ConsistentHash on the whole address of the client; nginx takes the first three numbers of an IPv4 address. Clients move once, when they come to Fairlead first", "name the proxies before Fairlead by --trusted-proxies, or all clients have their address")
		case "hash":
			m.hash(d, r)
		case "least_conn":
			r.policy.Balance = &v1alpha1.Balance{Algorithm: v1alpha1.LeastSessions}
			if len(r.backends) > 1 {
				r.policy.Balance.Share = v1alpha1.ShareLiveSessions
			}
			m.kept(d, "LeastSessions")
		case "least_time":
			r.policy.Balance = &v1alpha1.Balance{Algorithm: v1alpha1.LeastSessions}
			m.differs(d, "LeastSessions: times of answers say little about sockets", "")
		case "random":
			m.random(d, r)
		case "sticky":
			m.sticky(d, r)
		case "keepalive", "keepalive_requests", "keepalive_timeout", "keepalive_time", "zone", "resolver", "resolver_timeout", "queue", "state", "ntlm":
			m.plainKnown(d)
		default:
			m.leftover(d)
		}
	}
}

func (m *migration) hashOn(r *route, on ...v1alpha1.HashOn) {
	r.policy.Balance = &v1alpha1.Balance{Algorithm: v1alpha1.ConsistentHash, HashOn: on}
}

// hash reads what is hashed.
func (m *migration) hash(d *nginxsyntax.Directive, r *route) {
	on, ok := hashKey(d.Arg(0))
	switch {
	case ok:
		m.hashOn(r, on)
	case m.options.Kind == Ingress && hashText(d.Arg(0)):
		r.hashText = d.Arg(0)
	default:
		m.lost(d, "ConsistentHash knows one cookie, header or query parameter, or the client's address: RoundRobin is used", "choose one of these, or use --kind ingress, whose upstream-hash-by knows $request_uri, $uri, $host and several together")
		return
	}
	if d.Arg(1) == "consistent" {
		m.kept(d, "ConsistentHash of %s. Values move once, when they come to Fairlead first", d.Arg(0))
		return
	}
	m.differs(d, "ConsistentHash of "+d.Arg(0)+": a change of servers moves only the values that it must, and not most of them", "")
}

// hashText reports whether upstream-hash-by takes the text.
func hashText(text string) bool {
	return !slices.ContainsFunc(names(text), func(name string) bool {
		switch name {
		case "remote_addr", "binary_remote_addr", "host", "http_host", "request_uri", "uri", "args", "scheme", "server_name", "request_method":
			return false
		}
		return !strings.HasPrefix(name, "arg_") && !strings.HasPrefix(name, "cookie_") && !strings.HasPrefix(name, "http_")
	}) && len(names(text)) > 0
}

func hashKey(text string) (v1alpha1.HashOn, bool) {
	list := names(text)
	if len(list) != 1 || strings.Trim(text, "${}") != list[0] {
		return v1alpha1.HashOn{}, false
	}
	kind, name, _ := strings.Cut(list[0], "_")
	switch {
	case list[0] == "remote_addr" || list[0] == "binary_remote_addr" || list[0] == "realip_remote_addr" || list[0] == "http_x_real_ip" || list[0] == "http_x_forwarded_for":
		return v1alpha1.HashOn{Type: v1alpha1.HashOnSourceIP}, true
	case kind == "cookie" && name != "":
		return v1alpha1.HashOn{Type: v1alpha1.HashOnCookie, Name: name}, true
	case kind == "arg" && name != "":
		return v1alpha1.HashOn{Type: v1alpha1.HashOnQueryParam, Name: name}, true
	case list[0] == "http_host" || list[0] == "host":
		return v1alpha1.HashOn{Type: v1alpha1.HashOnHeader, Name: "Host"}, true
	case kind == "http" && name != "":
		return v1alpha1.HashOn{Type: v1alpha1.HashOnHeader, Name: headerName(name)}, true
	}
	return v1alpha1.HashOn{}, false
}

// headerName writes the name of a variable as that of a header.
func headerName(variable string) string {
	words := strings.Split(variable, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "-")
}

func (m *migration) random(d *nginxsyntax.Directive, r *route) {
	if d.Arg(0) == "two" && d.Arg(1) != "" {
		r.policy.Balance = &v1alpha1.Balance{Algorithm: v1alpha1.LeastSessions}
		m.differs(d, "LeastSessions: the best of all endpoints instead of the better of two", "")
		return
	}
	m.differs(d, "RoundRobin instead of chance: the shares are the same", "")
}

// sticky reads the cookie of NGINX Plus.
func (m *migration) sticky(d *nginxsyntax.Directive, r *route) {
	if d.Arg(0) != "cookie" || d.Arg(1) == "" {
		m.lost(d, "stickiness by "+d.Arg(0)+" is not known here", "use policy.balance.stickyCookie, or ConsistentHash on what names the client")
		return
	}
	c := &v1alpha1.StickyCookie{Name: d.Arg(1)}
	if path := parameter(d.Args, "path"); path != "" {
		c.Path = path
	}
	if text := parameter(d.Args, "expires"); text != "" {
		if length, err := parseTime(text); err == nil {
			c.MaxAge = duration(length)
		}
	}
	r.policy.Balance = &v1alpha1.Balance{Algorithm: ptr.Deref(r.policy.Balance, v1alpha1.Balance{}).Algorithm, StickyCookie: c}
	m.differs(d, "a cookie of the same name; values that nginx set are not understood, so clients get a new one", "")
}

// parameter returns the value of name=value among arguments, without what follows a colon as in
// zone=name:10m.
func parameter(args []string, name string) string {
	for _, arg := range args {
		if value, is := strings.CutPrefix(arg, name+"="); is {
			if name == "zone" {
				value, _, _ = strings.Cut(value, ":")
			}
			return value
		}
	}
	return ""
}
