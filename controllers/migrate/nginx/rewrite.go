package nginx

import (
	"fmt"
	"regexp"
	"strings"
)

// step is one way from paths to what the backend is asked for. A location has several when it rewrites
// some of its paths.
type step struct {
	path pathMatch
	// to is the new path, in the way of a WebSocketRoute's rewrite. "": it stays.
	to string
}

// pathsOf returns the paths of a location as they are, without what proxy_pass or rewrite make of them.
func (m *migration) pathsOf(l *location, letters bool) (pathMatch, error) {
	switch l.kind {
	case exact:
		return exactPath(l.value), nil
	case regex:
		return regexPath(l.value, l.fold, "")
	case nestedRegex:
		return regexPath(l.value, l.fold, l.within)
	}
	if l.value == "/" || strings.HasSuffix(l.value, "/") && !letters {
		return prefixPath(l.value), nil
	}
	return letterPath(l.value), nil
}

// stepsOf returns what the location does with paths, in order.
func (m *migration) stepsOf(l *location, p *pass, letters bool) ([]step, error) {
	paths, err := m.pathsOf(l, letters)
	if err != nil {
		return nil, err
	}
	steps, covered := m.rewrites(l, paths)
	if covered {
		return steps, nil
	}
	last := step{path: paths}
	if p.hasURI && len(l.scope.own("rewrite")) == 0 {
		last = m.replaced(l, p, last)
	}
	return append(steps, last), nil
}

// replaced does what the URI of a proxy_pass does: it stands in the place of the location's prefix,
// letter by letter, or of the whole path when it was written with variables.
func (m *migration) replaced(l *location, p *pass, s step) step {
	uri, query, _ := strings.Cut(p.uri, "?")
	if query != "" && !strings.HasPrefix(query, "$") && !strings.HasSuffix(uri, "$is_args$args") {
		m.lost(p.d, "the query ?"+query+" is not added", "have the backend do without it")
	}
	uri = strings.TrimSuffix(strings.TrimSuffix(uri, "$is_args$args"), "$request_uri")
	if uri == "" {
		uri = "/"
	}
	switch {
	case p.variable || l.kind == regex || l.kind == nestedRegex:
		return m.replacedWhole(l, p, s, uri)
	case s.path.isRegex():
		s.path.value += "(.*)"
		s.path.simple = true
		s.to = uri + "$1"
	case l.kind == exact || uri == "/" && l.value == "/":
		s.to = uri
		if l.value == uri {
			s.to = ""
		}
	case strings.HasSuffix(uri, "/"): // the location's value ends with / as well
		s.to = uri
		if uri == l.value {
			s.to = ""
		}
	default: // location /a/ and proxy_pass http://b/x: /a/y is asked for as /xy
		s.path = letterPath(l.value)
		s.path.value += "(.*)"
		s.to = uri + "$1"
	}
	return s
}

// replacedWhole is replaced for a URI that is the whole new path.
func (m *migration) replacedWhole(l *location, p *pass, s step, uri string) step {
	template, ok := groupTemplate(uri, l.value)
	switch {
	case !ok:
		m.lost(p.d, "the variables in the path "+uri+" are not known here: the path stays as it is", "have the backend take the path, or write a rewrite with $1 to $9")
	case s.path.isRegex() && !s.path.simple:
		s.to = template
	case s.path.isRegex():
		s.to = template
	case template == "/" && s.path.value == "/":
	default:
		m.differs(p.d, "with variables in proxy_pass nginx asks for "+uri+" whatever the path is; here it replaces the prefix", "")
		s.to = template
	}
	return s
}

// groupTemplate turns the names of an expression's groups into their numbers. ok is false when the text
// has other variables.
func groupTemplate(text, expression string) (template string, ok bool) {
	ok = true
	template = reference.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "${}")
		if len(name) == 1 && name[0] >= '1' && name[0] <= '9' {
			return "$" + name
		}
		if compiled, err := regexp.Compile(expression); err == nil {
			if i := compiled.SubexpIndex(name); i > 0 && i < 10 {
				return fmt.Sprintf("$%d", i)
			}
		}
		ok = false
		return found
	})
	return template, ok && strings.HasPrefix(template, "/") && !strings.ContainsAny(template, "?#")
}

// rewrites reads the rewrite directives of a location: each that ends with break becomes a step of its
// own. covered says that they take all paths of the location.
func (m *migration) rewrites(l *location, paths pathMatch) (steps []step, covered bool) {
	for _, d := range l.scope.own("rewrite") {
		if covered {
			m.kept(d, "never reached")
			continue
		}
		to, whole := strings.CutSuffix(d.Arg(1), "?")
		if whole {
			m.differs(d, "the query stays", "")
		}
		to, ok := groupTemplate(to, d.Arg(0))
		s := step{to: to}
		var all bool
		if ok && d.Arg(2) == "break" {
			s.path, all, ok = m.specialize(l, paths, d.Arg(0))
		}
		switch {
		case d.Arg(2) == "permanent" || d.Arg(2) == "redirect" || strings.Contains(d.Arg(1), "://"):
			m.lost(d, "a redirect of some of a location's paths", "have the backend send it")
		case !ok || d.Arg(2) != "break":
			m.lost(d, "nginx looks for another location with the new path, or the expression can't be had here", "write the paths that clients ask for, each with its own rewrite")
		default:
			steps, covered = append(steps, s.byPrefix()), all
			m.kept(d, "rewrite %s of paths that match %s", s.to, s.path.value)
		}
	}
	return steps, covered
}

// byPrefix turns the expression /x/(.*) with the new path /y/$1 into the prefix /x/ and /y/, which is
// easier to read.
func (s step) byPrefix() step {
	to, is := strings.CutSuffix(s.to, "/$1")
	if is && !strings.Contains(to, "$") && strings.HasSuffix(s.path.letters, "/") && s.path.value == regexp.QuoteMeta(s.path.letters)+"(.*)" {
		return step{path: prefixPath(s.path.letters), to: to + "/"}
	}
	return s
}

var captureRest = regexp.MustCompile(`^\^([^()\[\]{}.*+?|\\^$]+(?:\\[./-][^()\[\]{}.*+?|\\^$]*)*)(/\?)?\(\.([*+])\)\$?$`)

// specialize joins the expression of a rewrite with the paths of its location. all says that it matches
// every one of them.
func (m *migration) specialize(l *location, paths pathMatch, expression string) (path pathMatch, all, ok bool) {
	if paths.kind == "Exact" {
		compiled, err := regexp.Compile(expression)
		return paths, true, err == nil && compiled.MatchString(l.value) && compiled.NumSubexp() == 0
	}
	path, err := regexPath(expression, l.fold, "")
	if err != nil || !paths.simple {
		return path, false, err == nil && paths.letters != "" && strings.HasPrefix(path.letters, paths.letters)
	}
	if found := captureRest.FindStringSubmatch(expression); found != nil {
		// ^/ws/?(.*)$ and ^/(.*)$ within location /ws/: the same groups, for the location's paths.
		letters := strings.ReplaceAll(found[1], `\`, "")
		if found[2] != "" && strings.HasPrefix(paths.letters, letters+"/") {
			letters += "/"
		}
		if inside, is := strings.CutPrefix(paths.letters, letters); is {
			path = letterPath(paths.letters)
			path.value = regexp.QuoteMeta(letters) + "(" + regexp.QuoteMeta(inside) + ".*)"
			return path, found[3] == "*" || inside != "", true
		}
	}
	if wholePath(expression) && strings.Contains(expression, "(") {
		path = letterPath(paths.letters)
		path.value = "(" + regexp.QuoteMeta(paths.letters) + ".*)"
		return path, true, true
	}
	return path, false, strings.HasPrefix(path.letters, paths.letters)
}
