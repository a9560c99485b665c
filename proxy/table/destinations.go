package table

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// Canary is a compiled model.Canary.
type Canary struct {
	*model.Canary
	// To is the canary's backend and nothing else.
	To      []WeightedBackend
	header  string         // canonical
	pattern *regexp.Regexp // of HeaderPattern, when that counts
}

// Wants returns what header and cookie say of a request: whether it takes the canary. They may
// leave it undecided.
func (c *Canary) Wants(r *http.Request) (takes, decided bool) {
	if lines := r.Header[c.header]; c.header != "" && len(lines) > 0 {
		value := strings.Join(lines, ", ")
		switch {
		case c.HeaderValue != "":
			takes = value == c.HeaderValue
			decided = takes
		case c.HeaderPattern != "":
			takes = c.pattern != nil && c.pattern.MatchString(value)
			decided = takes
		default:
			takes, decided = switched(value)
		}
	}
	if !decided && c.Cookie != "" {
		if cookie, err := r.Cookie(c.Cookie); err == nil {
			return switched(cookie.Value)
		}
	}
	return takes, decided
}

// switched reads a value that turns the canary on or off.
func switched(value string) (takes, decided bool) {
	return value == "always", value == "always" || value == "never"
}

// Share returns the canary's part of the requests of which nothing else decides: weight of total.
func (c *Canary) Share() (weight, total int) {
	total = cmp.Or(max(c.Total, 0), 100)
	return min(max(c.Weight, 0), total), total
}

// destinations finds where the route's requests go.
func (c *compilation) destinations(r *Route) {
	for _, ref := range r.Route.Backends {
		r.Backends = c.appendDestination(r.Backends, r, ref)
	}
	r.count(r.Backends)
	if canary := r.Route.Canary; canary != nil {
		if to := c.appendDestination(nil, r, only(canary.Backend)); to != nil {
			r.count(to)
			r.Canary = &Canary{Canary: canary, To: to, header: http.CanonicalHeaderKey(canary.Header)}
		}
	}
	if fallback := r.Route.Fallback; fallback != nil {
		r.Spare = c.appendDestination(nil, r, only(fallback.Backend))
	}
}

// count counts the route's sessions on each of its backends, also where there is but one: when another
// comes beside it, it has a share already.
func (r *Route) count(backends []WeightedBackend) {
	for i := range backends {
		backends[i].Share = r.Live.Share(backends[i].Key)
	}
}

// only gives a backend that is chosen among no others all of the weight.
func only(ref model.BackendRef) model.BackendRef {
	ref.Weight = 1
	return ref
}

func (c *compilation) appendDestination(list []WeightedBackend, r *Route, ref model.BackendRef) []WeightedBackend {
	b := c.t.backends[ref.Backend]
	if b == nil {
		c.fault(r.ID, "backend %q is not configured", ref.Backend)
		return list
	}
	return append(list, WeightedBackend{Backend: b, Weight: ref.Weight, Scheme: ref.Scheme})
}

// sameDestinations reports whether two routes lead to the same backends.
func sameDestinations(a, b *Route) bool {
	return slices.Equal(a.Backends, b.Backends) && slices.Equal(a.Spare, b.Spare) && slices.Equal(a.canaries(), b.canaries())
}

func (r *Route) canaries() []WeightedBackend {
	if r.Canary == nil {
		return nil
	}
	return r.Canary.To
}

// texts compiles the expressions and templates of a route. What is wrong with one costs the part
// that it is for: the canary's header decides nothing, sessions are balanced without hash, and a
// redirect without a place to go to serves nothing.
func (c *compilation) texts(r *Route) {
	var err error
	if r.Canary != nil && r.Canary.HeaderValue == "" && r.Canary.HeaderPattern != "" {
		if r.Canary.pattern, err = regexp.Compile(r.Canary.HeaderPattern); err != nil {
			c.fault(r.ID, "the pattern for the canary's header: %w", err)
		}
	}
	if r.HashKey, err = template.Parsed(r.Balance.HashTemplate); err != nil {
		c.fault(r.ID, "what is hashed: %w", err)
	}
	if r.Redirect == nil {
		return
	}
	if r.Location, err = template.Parsed(r.Redirect.Location); err == nil && r.Redirect.Location == "" {
		err = errors.New("there is no location")
	}
	if err != nil {
		c.fault(r.ID, "where it redirects to: %w", err)
	}
}
