package table

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// claim reads "host path" with a sign for the type: "=/a" exact, "~/a" expression, "/a" prefix.
func claim(s string) model.Match {
	host, path, _ := strings.Cut(s, " ")
	m := model.Match{Host: strings.TrimSuffix(host, "*any")}
	switch path[0] {
	case '=':
		m.Path = model.PathMatch{Type: model.Exact, Value: path[1:]}
	case '~':
		m.Path = model.PathMatch{Type: model.RegularExpression, Value: path[1:]}
	default:
		m.Path = model.PathMatch{Value: path}
	}
	return m
}

// routes makes a route for every claim; its ID is the claim.
func routes(claims ...string) model.Config {
	var cfg model.Config
	for _, c := range claims {
		cfg.Routes = append(cfg.Routes, model.Route{ID: c, Matches: []model.Match{claim(c)}})
	}
	return cfg
}

func compile(t *testing.T, cfg model.Config, prev *Table) *Table {
	t.Helper()
	compiled, err := Compile(cfg, prev)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// asks is a request for a host and a decoded path.
func asks(host, path string) *http.Request {
	return &http.Request{Method: http.MethodGet, Host: host, URL: &url.URL{Path: path}}
}

func TestTheMostSpecificRouteWins(t *testing.T) {
	table := compile(t, routes(
		"a.example.com =/chat", "a.example.com /chat", "a.example.com /chat/room", "a.example.com ~/chat/[0-9]+", "a.example.com ~/chat/[0-9]+/private",
		"*.example.com /", "*any /other", "b.example.com /only",
	), nil)
	for _, c := range []struct{ host, path, want string }{
		{"a.example.com", "/chat", "a.example.com =/chat"},
		{"A.Example.com:8443", "/chat", "a.example.com =/chat"},
		{"a.example.com.", "/chat", "a.example.com =/chat"},
		{"a.example.com", "/chat/", "a.example.com /chat"},
		{"a.example.com", "/chat/room/7", "a.example.com /chat/room"},
		{"a.example.com", "/chat/7", "a.example.com ~/chat/[0-9]+"},
		{"a.example.com", "/chat/7/private", "a.example.com ~/chat/[0-9]+/private"},
		{"a.example.com", "/chats", "*.example.com /"},
		{"a.example.com", "//chat/./x/../room", "a.example.com /chat/room"},
		{"a.example.com", "/public/../chat", "a.example.com =/chat"},
		{"x.example.com", "/", "*.example.com /"},
		{"x.y.example.com", "/", ""},
		{"example.com", "/", ""},
		{"x.y.example.com", "/other/thing", "*any /other"},
		{"[::1]:80", "/other", "*any /other"},
		{"", "/other", "*any /other"},
		{"b.example.com", "/only", "b.example.com /only"},
		{"b.example.com", "/else", "*.example.com /"},
	} {
		hit, found := table.Match(asks(c.host, c.path))
		got := ""
		if found {
			got = hit.Route.ID
		}
		if got != c.want {
			t.Errorf("%s%s went to %q, want %q", c.host, c.path, got, c.want)
		}
	}
}

// oracle finds the route as the documentation says, by looking at every claim.
func oracle(claims []string, host, path string) string {
	name := strings.ToLower(host)
	_, parent, _ := strings.Cut(name, ".")
	path = normalize(path)
	best, bestRank := "", -1
	for _, c := range claims {
		m := claim(c)
		rank := 0
		switch m.Host {
		case name:
			rank = 3e6
		case "*." + parent:
			rank = 2e6
		case "":
			rank = 1e6
		default:
			continue
		}
		value := m.Path.Value
		switch m.Path.Type {
		case model.Exact:
			if path != value {
				continue
			}
			rank += 3e5
		case model.RegularExpression:
			if !regexp.MustCompile("^(?:" + value + ")").MatchString(path) {
				continue
			}
			rank += 2e5 + len(value)
		case model.Prefix:
			value = strings.TrimSuffix(value, "/")
			if path != value && !strings.HasPrefix(path, value+"/") {
				continue
			}
			rank += 1e5 + len(value)
		}
		if rank > bestRank {
			best, bestRank = c, rank
		}
	}
	return best
}

func TestMatchAgreesWithTheOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string { return []string{"a", "b", "ab", "chat", ".", "..", ""}[random.IntN(7)] }
	path := func() string {
		p := ""
		for range random.IntN(4) {
			p += "/" + word()
		}
		return "/" + strings.TrimPrefix(p, "/")
	}
	hosts := []string{"a.example.com", "b.example.com", "*.example.com", "*any", "a.b"}
	for round := range 300 {
		var claims []string
		seen := map[model.MatchKey]bool{}
		for range 1 + random.IntN(12) {
			kind := []string{"", "", "=", "~"}[random.IntN(4)]
			value := path()
			if kind == "" || kind == "=" {
				value = normalize(value)
			}
			c := hosts[random.IntN(len(hosts))] + " " + kind + value
			m := claim(c)
			m.Path = m.Path.Canonical()
			// Expressions of one length stand in the order of the configuration: left out here.
			alike := kind == "~" && slices.ContainsFunc(claims, func(o string) bool { return strings.Contains(o, "~") && len(o) == len(c) })
			if !seen[m.Key()] && !alike {
				seen[m.Key()] = true
				claims = append(claims, c)
			}
		}
		table := compile(t, routes(claims...), nil)
		for range 40 {
			host := []string{"a.example.com", "b.example.com", "c.example.com", "a.b", "x"}[random.IntN(5)]
			p := path()
			hit, found := table.Match(asks(host, p))
			got := ""
			if found {
				got = hit.Route.ID
			}
			if want := oracle(claims, host, p); got != want {
				t.Fatalf("round %d: %s%s went to %q, want %q, of %q", round, host, p, got, want, claims)
			}
		}
	}
}

func TestAPathOfSlashesCostsLittle(t *testing.T) {
	table := compile(t, routes("*any /a/b"), nil)
	long := "/" + strings.Repeat("x/", 30000)
	request := asks("h", long)
	allocated := testing.AllocsPerRun(10, func() {
		if _, found := table.Match(request); found {
			t.Fatal("matched")
		}
	})
	if allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestRewrites(t *testing.T) {
	prefix := func(to string) model.Rewrite { return model.Rewrite{ReplacePrefix: true, PrefixReplacement: to} }
	regex := func(to string) model.Rewrite { return model.Rewrite{RegexTemplate: to} }
	for _, c := range []struct {
		claim   string
		rewrite model.Rewrite
		request string
		want    string
	}{
		{"*any /chat", model.Rewrite{}, "/chat/a%20b?x=1", "/chat/a%20b?x=1"},
		{"*any /chat", prefix("/"), "/chat", "/"},
		{"*any /chat", prefix("/"), "/chat/", "/"},
		{"*any /chat", prefix("/"), "/chat/room?v=2", "/room?v=2"},
		{"*any /chat", prefix("/v2"), "/chat/a%2Fb", "/v2/a%2Fb"},
		{"*any /chat", prefix("/v2/"), "/chat/a", "/v2/a"},
		{"*any /chat", prefix("/"), "/%63hat/a", "/a"},
		{"*any /chat", prefix("/"), "//chat/./a", "/a"},
		{"*any /chat", prefix("/public"), "/chat/../chat/secret", "/public/secret"}, // not out of /public
		{"*any /chat", prefix("/public"), "/chat/x/..%2f..%2fchat/secret", "/public/secret"},
		{"*any /", prefix("/app"), "/x", "/app/x"},
		{"*any /", prefix("/app"), "/", "/app/"},
		{"*any =/chat", prefix("/socket"), "/chat?a=b", "/socket?a=b"},
		{"*any ~/chat(/|$)(.*)", regex("/$2"), "/chat/room/1?q=1", "/room/1?q=1"},
		{"*any ~/chat(/|$)(.*)", regex("/$2"), "/chat", "/"},
		{"*any ~(?i)/CHAT/(.*)", regex("/v1/$1x"), "/chat/a b", "/v1/a%20bx"},
		{"*any ~/u/(.*)", regex("/user?id=$1"), "/u/7?x=1", "/user?id=7&x=1"},
		{"*any ~/u/(.*)", regex("$1"), "/u/7", "/7"},
		// What a client writes into a group stays one value: no parameter, no end of the line.
		{"*any ~/u/(.*)", regex("/user?id=$1&by=x"), "/u/7%26admin=1%23", "/user?id=7%26admin%3D1%23&by=x"},
		{"*any ~/u/(.*)", regex("/user?id=$1"), "/u/7%20HTTP/1.1%0d", "/user?id=7%20HTTP%2F1.1%0D"},
		{"*any ~/u/(.*)", regex("/user?id=$1$3"), "/u/a$1", "/user?id=a%241"},
	} {
		cfg := routes(c.claim)
		cfg.Routes[0].Rewrite = c.rewrite
		u, err := url.ParseRequestURI(strings.ReplaceAll(c.request, " ", "%20"))
		if err != nil {
			t.Fatal(err)
		}
		hit, found := compile(t, cfg, nil).Match(asks("h", u.Path))
		if !found {
			t.Errorf("%s does not match %s", c.claim, c.request)
		} else if got := hit.URI(u); got != c.want {
			t.Errorf("%s, %+v: %s became %s, want %s", c.claim, c.rewrite, c.request, got, c.want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	var claims []string
	for i := range 10000 {
		claims = append(claims, fmt.Sprintf("h%d.example.com /socket/v1", i))
	}
	table, err := Compile(routes(claims...), nil)
	if err != nil {
		b.Fatal(err)
	}
	request := asks("h777.example.com", "/socket/v1/room/12")
	b.ReportAllocs()
	for b.Loop() {
		if _, found := table.Match(request); !found {
			b.Fatal("no match")
		}
	}
}
