package table

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// asksFor is a request with headers "Name: value".
func asksFor(host, uri string, headers ...string) *http.Request {
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		panic(err)
	}
	r := &http.Request{Method: http.MethodGet, Host: host, URL: u, Header: http.Header{}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestRoutesOfOnePathAreToldApartByWhatElseTheyAskFor(t *testing.T) {
	table := compile(t, routes(
		"*any /chat",
		"*any /chat s:graphql-ws s:graphql-transport-ws",
		"*any /chat q:v~[0-9]+",
		"*any /chat q:v=2",
		"*any /chat q:v=2 q:debug",
		"*any /chat h:X-Tenant=acme",
		"*any /chat h:X-Tenant=acme h:X-Beta",
		"*any /chat/room h:x-tenant~(acme|umbrella)",
		"*any =/chat/exact h:host=b.example.com",
		"*any /",
	), nil)
	for _, c := range []struct {
		uri     string
		headers []string
		want    string
	}{
		{"/chat", nil, "*any /chat"},
		{"/chat", []string{"Sec-WebSocket-Protocol: chat, graphql-transport-ws"}, "*any /chat s:graphql-ws s:graphql-transport-ws"},
		{"/chat", []string{"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: graphql-ws"}, "*any /chat s:graphql-ws s:graphql-transport-ws"},
		{"/chat", []string{"Sec-WebSocket-Protocol: GraphQL-ws"}, "*any /chat"},
		{"/chat?v=7", []string{"Sec-WebSocket-Protocol: graphql-ws"}, "*any /chat q:v~[0-9]+"},
		{"/chat?v=7a", nil, "*any /chat"},
		{"/chat?v=2", nil, "*any /chat q:v~[0-9]+"}, // of equal rank, and first in the configuration
		{"/chat?v=2&debug", nil, "*any /chat q:v=2 q:debug"},
		{"/chat?v=3&v=2&debug", nil, "*any /chat q:v~[0-9]+"}, // the first value counts
		{"/chat?%76=2&debug=", nil, "*any /chat q:v=2 q:debug"},
		{"/chat?v=2&debug", []string{"X-Tenant: acme"}, "*any /chat h:X-Tenant=acme"},
		{"/chat", []string{"X-Tenant: ACME"}, "*any /chat"},
		{"/chat", []string{"X-Tenant: acme", "X-Tenant: umbrella"}, "*any /chat"}, // they are one value
		{"/chat", []string{"X-Tenant: acme", "X-Beta: "}, "*any /chat h:X-Tenant=acme h:X-Beta"},
		{"/chat/room/1", []string{"X-Tenant: umbrella"}, "*any /chat/room h:x-tenant~(acme|umbrella)"},
		{"/chat/room/1", []string{"X-Tenant: acme2"}, "*any /chat"}, // the whole value must match
		{"/chat/room/1", []string{"X-Tenant: acme2", "X-Beta: 1"}, "*any /chat"},
		{"/chat/exact", nil, "*any =/chat/exact h:host=b.example.com"},
		{"/else", []string{"X-Tenant: acme"}, "*any /"},
	} {
		hit, found := table.Match(asksFor("b.example.com", c.uri, c.headers...))
		if !found || hit.Route.ID != c.want {
			t.Errorf("%s %q went to %q, want %q", c.uri, c.headers, hit.Route.ID, c.want)
		}
	}
}

func TestAHostWhoseConditionsFailHandsOn(t *testing.T) {
	table := compile(t, routes("a.example.com / h:X-Beta=1", "*.example.com / q:v", "*any /x"), nil)
	for uri, want := range map[string]string{"/": "", "/?v": "*.example.com / q:v", "/x": "*any /x"} {
		hit, found := table.Match(asksFor("a.example.com", uri))
		if found != (want != "") || found && hit.Route.ID != want {
			t.Errorf("%s went to %v, want %q", uri, hit, want)
		}
	}
}

func TestConditionsAreValidatedAndMayClash(t *testing.T) {
	for text, says := range map[string]string{
		"*any / h:X-A~(": "the condition on X-A",
		"*any / q:v~)":   "the condition on v",
	} {
		if _, err := Compile(routes(text), nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	cfg := routes("*any / h:x-a=1 h:x-b=2", "*any / h:X-B=2 h:X-A=1")
	table, err := Compile(cfg, nil)
	if err == nil || !strings.Contains(err.Error(), "belong to route") {
		t.Errorf("two routes ask for the same: %v", err)
	}
	if hit, _ := table.Match(asksFor("h", "/", "X-A: 1", "X-B: 2")); hit.Route == nil || hit.Route.ID != cfg.Routes[0].ID {
		t.Error("the first one does not keep it")
	}
	cfg.Routes = cfg.Routes[:1]
	compile(t, cfg, table) // it is known to be valid
}

func TestARequestWithoutConditionsToMeetAllocatesNothing(t *testing.T) {
	table := compile(t, routes("a.example.com /", "a.example.com /x q:v", "a.example.com /y h:X-A=1 s:chat", "a.example.com /z h:X-A~1"), nil)
	for _, uri := range []string{"/?v=1", "/y?v=1", "/z"} {
		request := asksFor("a.example.com", uri, "X-A: 1", "Sec-WebSocket-Protocol: a, chat")
		if n := testing.AllocsPerRun(100, func() { table.Match(request) }); n > 0 {
			t.Errorf("%s: %v allocations", uri, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	var claims []string
	for i := range 10000 {
		claims = append(claims, fmt.Sprintf("h%d.example.com /socket/v1", i))
	}
	claims = append(claims,
		"h777.example.com /socket/v1 h:X-Tenant=acme", "h777.example.com /socket/v1 s:graphql-ws",
		"h778.example.com /socket/v1 q:v=2", "h778.example.com /socket/v1 q:v=3")
	table, err := Compile(routes(claims...), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		request *http.Request
	}{
		{"Unconditional", asksFor("h7.example.com", "/socket/v1/room/12?v=2")},
		{"Headers", asksFor("h777.example.com", "/socket/v1/room/12?v=2", "X-Tenant: umbrella", "Sec-WebSocket-Protocol: chat, graphql-ws")},
		{"Query", asksFor("h778.example.com", "/socket/v1/room/12?room=12&v=2")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, found := table.Match(c.request); !found {
					b.Fatal("no match")
				}
			}
		})
	}
}

// FuzzCondition: what a client writes never panics, and an exact condition is met by its value only.
func FuzzCondition(f *testing.F) {
	f.Add("v=1&w", "a, b", "x")
	f.Add("%zz=1;&&=", ",,", "")
	exact := func(name string) []model.FieldMatch { return []model.FieldMatch{{Name: name, Value: "1"}} }
	query := compileConditions(model.Match{QueryParams: exact("v")})
	header := compileConditions(model.Match{Headers: exact("X-A")})
	offer := compileConditions(model.Match{Subprotocols: []string{"chat"}})
	f.Fuzz(func(t *testing.T, raw, protocols, value string) {
		r := &http.Request{URL: &url.URL{Path: "/", RawQuery: raw}, Header: http.Header{"X-A": {value}, "Sec-Websocket-Protocol": {protocols}}}
		if query.met(&question{r: r}) != (r.URL.Query().Get("v") == "1") {
			t.Errorf("query %q", raw)
		}
		if header.met(&question{r: r}) != (value == "1") {
			t.Errorf("header %q", value)
		}
		if offer.met(&question{r: r}) && !strings.Contains(protocols, "chat") {
			t.Errorf("subprotocols %q", protocols)
		}
	})
}
