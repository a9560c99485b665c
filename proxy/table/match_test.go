package table

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// claim reads "host path conditions" with a sign for the path's type: "=/a" exact, "~/a" expression,
// "/a" prefix. Conditions are "h:name=value" on a header, "q:name~value" an expression on a query
// parameter, "q:name" for one that is there, "s:name" for a subprotocol.
func claim(s string) model.Match {
	words := strings.Fields(s)
	host, path := words[0], words[1]
	m := model.Match{Host: strings.TrimSuffix(host, "*any")}
	switch path[0] {
	case '=':
		m.Path = model.PathMatch{Type: model.Exact, Value: path[1:]}
	case '~':
		m.Path = model.PathMatch{Type: model.RegularExpression, Value: path[1:]}
	default:
		m.Path = model.PathMatch{Value: path}
	}
	for _, w := range words[2:] {
		kind, said, _ := strings.Cut(w, ":")
		f := model.FieldMatch{Name: said, Type: model.FieldPresent}
		if i := strings.IndexAny(said, "=~"); i >= 0 {
			f = model.FieldMatch{Name: said[:i], Value: said[i+1:]}
			if said[i] == '~' {
				f.Type = model.FieldRegularExpression
			}
		}
		switch kind {
		case "h":
			m.Headers = append(m.Headers, f)
		case "q":
			m.QueryParams = append(m.QueryParams, f)
		case "s":
			m.Subprotocols = append(m.Subprotocols, said)
		}
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
