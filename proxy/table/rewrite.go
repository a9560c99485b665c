package table

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// URI returns what the endpoint is asked for: the path and query of the request, rewritten as the
// route says, in the escaped form of a request line (RFC 9112 section 3.2.1).
func (h Hit) URI(u *url.URL) string {
	rewrite := h.Route.Rewrite
	p, query := u.EscapedPath(), u.RawQuery
	switch {
	case h.re != nil && rewrite.RegexTemplate != "":
		p, query = h.expand(u)
	case h.re == nil && rewrite.ReplacePrefix:
		p = h.replacePrefix(u)
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	if query != "" || u.ForceQuery {
		return p + "?" + query
	}
	return p
}

// replacePrefix swaps the matched prefix. What follows it keeps its escapes.
func (h Hit) replacePrefix(u *url.URL) string {
	replacement := (&url.URL{Path: h.Route.Rewrite.PrefixReplacement}).EscapedPath()
	if h.Match.Path.Type == model.Exact {
		return replacement
	}
	rest, isPrefix := strings.CutPrefix(u.EscapedPath(), h.Match.Path.Value)
	if !isPrefix || (rest != "" && rest[0] != '/') {
		// The prefix is spelled with escapes or dots: cut it from the path that was matched.
		decoded := strings.TrimPrefix(normalize(u.Path), h.Match.Path.Value)
		rest = (&url.URL{Path: decoded}).EscapedPath()
	}
	if rest == "" {
		return replacement
	}
	return strings.TrimSuffix(replacement, "/") + rest
}

// dollar finds the group references of a template: one digit each, as in nginx.
var dollar = regexp.MustCompile(`\$(\d)`)

// expand fills the template from the expression's groups. A query in the template goes before that
// of the request, as nginx's rewrite does.
func (h Hit) expand(u *url.URL) (escapedPath, query string) {
	p := normalize(u.Path)
	groups := h.re.FindStringSubmatchIndex(p)
	template := dollar.ReplaceAllString(h.Route.Rewrite.RegexTemplate, "${$1}")
	templatePath, templateQuery, _ := strings.Cut(template, "?")
	path := string(h.re.ExpandString(nil, templatePath, p, groups))
	query = string(h.re.ExpandString(nil, templateQuery, p, groups))
	if query != "" && u.RawQuery != "" {
		query += "&"
	}
	return (&url.URL{Path: path}).EscapedPath(), query + u.RawQuery
}
