package nginx

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// pathMatch is a condition on paths on its way to an object.
type pathMatch struct {
	kind v1alpha1.PathMatchType
	// value is what the object gets. An expression has no ^ at its beginning: it is anchored there.
	value string
	// letters is the text that all matching paths begin with, as far as it is known.
	letters string
	// simple says that it matches all paths that begin with letters: an expression for a prefix.
	simple bool
	// rank is the place in nginx's order; smaller is asked first.
	rank int
}

func (p *pathMatch) isRegex() bool { return p.kind == v1alpha1.PathRegularExpression }

// all reports whether every path matches.
func (p *pathMatch) all() bool {
	return p.letters == "/" && p.simple || p.isRegex() && slices.Contains([]string{"/", ".*", "/.*"}, p.value)
}

// errPCRE is what RE2 can't do.
var errPCRE = errors.New("expressions are RE2 here, without look-around and back-references")

// exactPath and prefixPath match as nginx's = and its prefixes do.
func exactPath(value string) pathMatch {
	return pathMatch{kind: v1alpha1.PathExact, value: value, letters: value}
}

// prefixPath compares by elements, which is what nginx does too when the prefix ends with a slash, but
// for the path without that slash.
func prefixPath(value string) pathMatch {
	return pathMatch{kind: v1alpha1.PathPrefix, value: value, letters: value, simple: true}
}

// letterPath compares by letters: /ws takes /wsx too.
func letterPath(value string) pathMatch {
	return pathMatch{kind: v1alpha1.PathRegularExpression, value: regexp.QuoteMeta(value), letters: value, simple: true}
}

// regexPath translates an expression, which nginx searches anywhere in a path.
func regexPath(expression string, fold bool, within string) (pathMatch, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return pathMatch{}, errPCRE
	}
	value := expression
	switch anchored := beginsWithAnchor(parsed); {
	case anchored && strings.HasPrefix(expression, "^"):
		value = expression[1:]
	case anchored:
	case within != "":
		value = regexp.QuoteMeta(within) + ".*(?:" + expression + ")"
	default:
		value = ".*(?:" + expression + ")"
	}
	p := pathMatch{kind: v1alpha1.PathRegularExpression, value: value}
	if fold {
		p.value = "(?i)" + value
		return p, nil
	}
	compiled, err := regexp.Compile("^(?:" + value + ")")
	if err != nil {
		return pathMatch{}, errPCRE
	}
	p.letters = literalPrefix(compiled.String())
	p.simple = value == regexp.QuoteMeta(p.letters)
	return p, nil
}

// beginsWithAnchor reports whether an expression matches at the beginning of a text only.
func beginsWithAnchor(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpBeginText, syntax.OpBeginLine:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(e.Sub) > 0 && beginsWithAnchor(e.Sub[0])
	case syntax.OpAlternate:
		return !slices.ContainsFunc(e.Sub, func(s *syntax.Regexp) bool { return !beginsWithAnchor(s) })
	}
	return false
}

// literalPrefix returns the letters that every match of an anchored expression begins with.
func literalPrefix(expression string) string {
	compiled, err := regexp.Compile(strings.TrimPrefix(expression, "^"))
	if err != nil {
		return ""
	}
	letters, _ := compiled.LiteralPrefix()
	return letters
}

// overlap reports whether a path may meet both conditions.
func overlap(a, b *pathMatch) bool {
	return strings.HasPrefix(a.letters, b.letters) || strings.HasPrefix(b.letters, a.letters)
}

// nothing is an expression without effect. It makes another one longer.
const nothing = "(?:)"

// inOrder makes expressions as long as they must be: of several that match a path, nginx takes the
// first, and Fairlead the longest. Only expressions among which lengths would decide otherwise grow.
// It returns the ranks of those that grew.
func inOrder(list []*pathMatch) (grown []int) {
	expressions := slices.DeleteFunc(slices.Clone(list), func(p *pathMatch) bool { return !p.isRegex() })
	slices.SortStableFunc(expressions, func(a, b *pathMatch) int { return a.rank - b.rank })
	for i := len(expressions) - 1; i >= 0; i-- {
		p, need := expressions[i], 0
		for _, later := range expressions[i+1:] {
			if later.rank > p.rank && overlap(p, later) {
				need = max(need, len(later.value)+1)
			}
		}
		if short := need - len(p.value); short > 0 {
			p.value += strings.Repeat(nothing, (short+len(nothing)-1)/len(nothing))
			grown = append(grown, p.rank)
		}
	}
	return grown
}
