package translate

import (
	"net/http"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// ruleMatches claims every match of the rule on every host, and returns what it got.
func (b *build) ruleMatches(o *object, rule *v1alpha1.Rule, at *field.Path) []model.Match {
	hosts := hostnames(o.route.Spec.Hosts)
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	conditions := rule.Matches
	if len(conditions) == 0 {
		conditions = []v1alpha1.Match{{}}
	}
	var got []model.Match
	for i := range conditions {
		at := at.Index(i)
		m, ok := o.match(&conditions[i], at)
		if !ok {
			continue
		}
		if m.Unconditional() {
			at = at.Child("path")
		}
		for _, host := range hosts {
			m.Host = host
			if b.claim(o, m, at) {
				got = append(got, m)
			}
		}
	}
	return got
}

// match reads the conditions of a match. What can't be read is told: to leave out a condition would
// give the rule requests that it isn't for.
func (o *object) match(m *v1alpha1.Match, at *field.Path) (model.Match, bool) {
	path, err := pathMatch(m.Path)
	if err != nil {
		o.tell(v1alpha1.ReasonInvalid, at.Child("path", "value"), "%v; the match is not served: correct it", err)
		return model.Match{}, false
	}
	result, ok := model.Match{Path: path.Canonical()}, true
	add := func(list *[]model.FieldMatch, f model.FieldMatch, at *field.Path) {
		if f.Type == model.FieldRegularExpression {
			if _, err := f.Regexp(); err != nil {
				o.tell(v1alpha1.ReasonInvalid, at.Child("value"), "%v; the match is not served: correct it", err)
				ok = false
			}
		}
		*list = append(*list, f)
	}
	for i, h := range m.Headers {
		add(&result.Headers, fieldMatch(http.CanonicalHeaderKey(h.Name), h.Type, h.Value), at.Child("headers").Index(i))
	}
	for i, q := range m.QueryParams {
		add(&result.QueryParams, fieldMatch(q.Name, q.Type, q.Value), at.Child("queryParams").Index(i))
	}
	for _, s := range m.Subprotocols {
		result.Subprotocols = append(result.Subprotocols, string(s))
	}
	return result, ok
}

func fieldMatch(name string, kind v1alpha1.FieldMatchType, value string) model.FieldMatch {
	switch kind {
	case v1alpha1.FieldPresent:
		return model.FieldMatch{Name: name, Type: model.FieldPresent}
	case v1alpha1.FieldRegularExpression:
		return model.FieldMatch{Name: name, Type: model.FieldRegularExpression, Value: value}
	}
	return model.FieldMatch{Name: name, Value: value}
}

func pathMatch(p *v1alpha1.PathMatch) (model.PathMatch, error) {
	if p == nil {
		return model.PathMatch{Value: "/"}, nil
	}
	match := model.PathMatch{Type: model.Prefix, Value: p.Value}
	switch p.Type {
	case v1alpha1.PathExact:
		match.Type = model.Exact
	case v1alpha1.PathRegularExpression:
		match.Type = model.RegularExpression
	}
	return match, match.Validate()
}
