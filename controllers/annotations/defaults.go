package annotations

import (
	"strings"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// Defaults are what counts for every Ingress of a class that says nothing else. The zero value is
// Fairlead's own defaults. They are never changed, so copies may share what they hold.
type Defaults struct{ draft draft }

// NginxDefaults are the defaults of ingress-nginx where Fairlead's differ on purpose.
func NginxDefaults() Defaults {
	var d draft
	minute := model.Timeout(time.Minute)
	d.Timeouts = model.Timeouts{Handshake: minute, Idle: minute, Stall: minute}
	d.MaxBody = 1 << 20
	d.BackendTLS = model.BackendTLS{Depth: 1, NoSNI: true}
	return Defaults{d}
}

// ParseDefaults reads the parameters of an IngressClass: a ConfigMap whose keys are names of
// annotations without prefix, ours first, or keys of the ConfigMap of ingress-nginx. As Parse, it never
// fails: what can't be read or served is left out and told, and what guards and can't be read seals.
func ParseDefaults(data map[string]string) (Defaults, []Problem) { return Defaults{}.With(data) }

// With returns the defaults with parameters over them, as ParseDefaults reads them.
func (d Defaults) With(data map[string]string) (Defaults, []Problem) {
	draft := d.draft
	p := parsing{d: &draft}
	found := make(map[*Row]written, len(data))
	for key, value := range data {
		w, counts := p.parameter(key, strings.TrimSpace(value))
		// Of two keys for one row the annotation's own name counts.
		if _, taken := found[w.Row]; counts && (!taken || key == w.Name) {
			found[w.Row] = w
		}
	}
	for _, rows := range [][]Row{parameterRows, table} {
		for i := range rows {
			if w, counts := found[&rows[i]]; counts {
				p.apply(w)
			}
		}
	}
	p.hashing()
	p.rejections()
	p.reword()
	return Defaults{draft}, p.told()
}

// parameter finds the row of a key, or tells why there is none that could count.
func (p *parsing) parameter(key, value string) (written, bool) {
	if fixed, known := fixedParameters[key]; known {
		if !fixed.is(value) {
			p.tell(v1alpha1.ReasonUnsupportedValue, key, "%s", fixed.instead)
		}
		return written{}, false
	}
	row := parameterRow(key)
	switch {
	case row == nil:
		p.tell(v1alpha1.ReasonUnsupportedValue, key, "there is no such parameter, so it has no effect%s", didYouMeanParameter(key))
	case row.PerObject:
		p.tell(v1alpha1.ReasonUnsupportedValue, key, "it would mean the same for all objects of the class, so it has no effect: write %s at those that it is for", row.Key())
	default:
		return written{row, key, value}, true
	}
	return written{}, false
}

// parameterRow finds the row that a parameter is a default of. nil: none.
func parameterRow(key string) *Row {
	for i := range parameterRows {
		if parameterRows[i].Name == key {
			return &parameterRows[i]
		}
	}
	if name, found := strings.CutPrefix(key, "global-auth-"); found {
		key = "auth-" + name
	}
	for _, prefix := range []string{OurPrefix, NginxPrefix} {
		if i, found := position[prefix+key]; found {
			return &table[i]
		}
	}
	return nil
}

// reword says parameter for annotation, and the reasons of an object that is none.
func (p *parsing) reword() {
	for i := range p.problems {
		problem := &p.problems[i]
		problem.Message = strings.ReplaceAll(problem.Message, "the annotation", "the parameter")
		switch problem.Reason {
		case v1alpha1.ReasonInvalidAnnotation:
			problem.Reason = v1alpha1.ReasonInvalid
		case v1alpha1.ReasonUnsupportedAnnotation:
			problem.Reason = v1alpha1.ReasonUnsupportedValue
		}
	}
}
