package table

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// oracle finds the route as the documentation says, by looking at every claim.
func oracle(claims []string, r *http.Request) string {
	best, bestRank := "", []int(nil)
	for i, c := range claims {
		m := claim(c)
		rank := slices.Concat(rankOfHost(m.Host, r.Host), rankOfPath(m.Path, normalize(r.URL.Path)))
		if len(rank) < 3 || !meets(m, r) {
			continue
		}
		rank = append(rank, len(m.Headers), len(m.QueryParams), min(len(m.Subprotocols), 1), -i)
		if slices.Compare(rank, bestRank) > 0 {
			best, bestRank = c, rank
		}
	}
	return best
}

func rankOfHost(claimed, asked string) []int {
	_, parent, _ := strings.Cut(asked, ".")
	switch claimed {
	case asked:
		return []int{3}
	case "*." + parent:
		return []int{2}
	case "":
		return []int{1}
	}
	return nil
}

func rankOfPath(claimed model.PathMatch, asked string) []int {
	value := claimed.Value
	switch claimed.Type {
	case model.Exact:
		if asked == value {
			return []int{3, 0}
		}
	case model.RegularExpression:
		if regexp.MustCompile("^(?:" + value + ")").MatchString(asked) {
			return []int{2, len(value)}
		}
	case model.Prefix:
		value = strings.TrimSuffix(value, "/")
		if asked == value || strings.HasPrefix(asked, value+"/") {
			return []int{1, len(value)}
		}
	}
	return nil
}

func meets(m model.Match, r *http.Request) bool {
	holds := func(f model.FieldMatch, values []string, value string) bool {
		switch {
		case len(values) == 0:
			return false
		case f.Type == model.FieldExact:
			return value == f.Value
		case f.Type == model.FieldRegularExpression:
			return regexp.MustCompile("^(?:" + f.Value + ")$").MatchString(value)
		}
		return true
	}
	for _, f := range m.Headers {
		if values := r.Header.Values(f.Name); !holds(f, values, strings.Join(values, ", ")) {
			return false
		}
	}
	for _, f := range m.QueryParams {
		if query := r.URL.Query(); !holds(f, query[f.Name], query.Get(f.Name)) {
			return false
		}
	}
	if len(m.Subprotocols) == 0 {
		return true
	}
	offered := strings.Split(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",")
	return slices.ContainsFunc(offered, func(o string) bool { return slices.Contains(m.Subprotocols, strings.TrimSpace(o)) })
}

// world makes up routes and requests that have something to do with each other.
type world struct{ *rand.Rand }

func (w world) one(of ...string) string { return of[w.IntN(len(of))] }

func (w world) path() string {
	p := ""
	for range w.IntN(4) {
		p += "/" + w.one("a", "b", "ab", "chat", ".", "..", "")
	}
	return "/" + strings.TrimPrefix(p, "/")
}

func (w world) claim() string {
	kind, value := w.one("", "", "=", "~"), w.path()
	if kind != "~" {
		value = normalize(value)
	}
	c := w.one("a.example.com", "b.example.com", "*.example.com", "*any", "a.b") + " " + kind + value
	for w.IntN(2) == 0 {
		c += " " + w.one("h:X-A=1", "h:x-a~[12]", "h:X-A", "h:x-b=2", "q:v=1", "q:v~.", "q:v", "q:w", "s:chat", "s:graphql")
	}
	return c
}

func (w world) request() *http.Request {
	r := asks(w.one("a.example.com", "b.example.com", "c.example.com", "a.b", "x"), w.path())
	r.URL.RawQuery = w.one("", "", "v=1", "v=2&w", "w&v=1", "v", "v=2&v=1", "%76=1", "v=1;w=2", "v=%zz")
	r.Header = http.Header{}
	for range w.IntN(3) {
		r.Header.Add(w.one("X-A", "X-B", "Sec-WebSocket-Protocol"), w.one("1", "2", "chat", "chat, graphql", " graphql,", ""))
	}
	return r
}

func TestMatchAgreesWithTheOracle(t *testing.T) {
	w := world{rand.New(rand.NewPCG(1, 2))}
	matched := 0
	for round := range 400 {
		var claims []string
		seen := map[model.MatchKey]bool{}
		for range 1 + w.IntN(16) {
			c := w.claim()
			if key := claim(c).Key(); !seen[key] {
				seen[key] = true
				claims = append(claims, c)
			}
		}
		table := compile(t, routes(claims...), nil)
		for range 60 {
			r := w.request()
			hit, found := table.Match(r)
			got := ""
			if found {
				got = hit.Route.ID
				matched++
			}
			if want := oracle(claims, r); got != want {
				t.Fatalf("round %d: %s%s %v went to %q, want %q, of %q", round, r.Host, r.URL, r.Header, got, want, claims)
			}
		}
	}
	if matched < 5000 {
		t.Errorf("only %d requests matched: the story tells little", matched)
	}
}
