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
	rest, isPrefix := strings.CutPrefix(u.EscapedPath(), h.prefix())
	if matched := normalize(u.Path); matched != u.Path || !isPrefix || (rest != "" && rest[0] != '/') {
		// Spelled with escapes or dots: cut the prefix from the path that was matched, or dots
		// would lead out of the replacement.
		rest = (&url.URL{Path: strings.TrimPrefix(matched, h.prefix())}).EscapedPath()
	}
	if rest == "" {
		return replacement
	}
	return strings.TrimSuffix(replacement, "/") + rest
}

// dollar finds the group references of a template: one digit each, as in nginx.
var dollar = regexp.MustCompile(`\$\d`)

// expand fills the template from the expression's groups. A query in the template goes before that
// of the request, as nginx's rewrite does.
func (h Hit) expand(u *url.URL) (escapedPath, query string) {
	p := normalize(u.Path)
	groups := h.re.FindStringSubmatchIndex(p)
	fill := func(template string, escape func(string) string) string {
		return dollar.ReplaceAllStringFunc(template, func(reference string) string {
			n := 2 * int(reference[1]-'0')
			if n >= len(groups) || groups[n] < 0 {
				return ""
			}
			return escape(p[groups[n]:groups[n+1]])
		})
	}
	templatePath, templateQuery, _ := strings.Cut(h.Route.Rewrite.RegexTemplate, "?")
	path := fill(templatePath, func(group string) string { return group })
	query = fill(templateQuery, escapeValue)
	if query != "" && u.RawQuery != "" {
		query += "&"
	}
	return (&url.URL{Path: path}).EscapedPath(), query + u.RawQuery
}

// escapeValue escapes a value for a query: what a client wrote must not end it or begin another.
func escapeValue(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
