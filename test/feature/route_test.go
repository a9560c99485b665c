package feature

import (
	"fmt"
	"strings"
	"testing"
)

// rule returns a rule of a WebSocketRoute: its match, and the one Service that has its name.
func rule(service, match string) string {
	return fmt.Sprintf("  - {matches: [{%s}], backends: [{name: %s, port: 80}]}\n", match, service)
}

func TestConditionsOfAMatchAndWhichComesFirst(t *testing.T) {
	story(t, func(w *world) {
		rules := []string{
			rule("everything", "path: {value: /}"),
			rule("tenant", "path: {value: /}, headers: [{name: x-tenant, value: acme}]"),
			rule("both", "path: {value: /}, headers: [{name: X-Tenant, value: acme}, {name: X-Beta, type: Present}]"),
			rule("version", `path: {value: /}, queryParams: [{name: v, value: "2"}]`),
			rule("versions", `path: {value: /}, queryParams: [{name: v, type: RegularExpression, value: "[34]"}, {name: beta, type: Present}]`),
			rule("graphql", "path: {value: /}, subprotocols: [graphql-transport-ws, graphql-ws]"),
			rule("exact", "path: {type: Exact, value: /socket/socket}"),
			rule("long", "path: {value: /socket}"),
			rule("long-tenant", "path: {value: /socket}, headers: [{name: X-Tenant, type: RegularExpression, value: b.*}]"),
		}
		services := []string{}
		for _, name := range []string{"everything", "tenant", "both", "version", "versions", "graphql", "exact", "long", "long-tenant"} {
			services = append(services, w.service(name, name))
		}
		if w.reversed { // the order of rules says nothing where conditions differ
			for i, j := 0, len(rules)-1; i < j; i, j = i+1, j-1 {
				rules[i], rules[j] = rules[j], rules[i]
			}
		}
		w.apply("chat", append(services, webSocketRoute("chat", "  rules:\n"+strings.Join(rules, "")))...)
		const root = "chat.example.com/x/socket?mode=echo"
		for _, c := range []struct {
			pod, where string
			lines      []string
		}{
			{"everything", root, nil},
			{"everything", root, []string{"X-Tenant: Acme"}},
			{"tenant", root, []string{"X-Tenant: acme"}},
			{"both", root, []string{"X-Tenant: acme", "X-Beta: "}},
			{"version", root + "&v=2", nil},
			{"version", root + "&v=2&v=3", nil},
			{"everything", root + "&v=3", nil},
			{"versions", root + "&v=3&beta", nil},
			{"everything", root + "&v=34&beta", nil},
			{"tenant", root + "&v=2", []string{"X-Tenant: acme"}}, // more headers come before more parameters
			{"graphql", root, []string{"Sec-WebSocket-Protocol: mqtt", "Sec-WebSocket-Protocol: graphql-ws"}},
			{"everything", root, []string{"Sec-WebSocket-Protocol: mqtt"}},
			{"version", root + "&v=2", []string{"Sec-WebSocket-Protocol: graphql-ws"}},
			{"long", "chat.example.com/socket/x/socket?mode=echo&v=2", []string{"X-Tenant: acme"}}, // the path comes before all of them
			{"long-tenant", echo, []string{"X-Tenant: bolt"}},
			{"exact", "chat.example.com/socket/socket?mode=echo", []string{"X-Tenant: bolt"}},
		} {
			w.wantAll(c.pod, c.where, c.lines...)
		}
	})
}

func TestTwoObjectsShareAPathUnderDifferentConditions(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("plain", "plain") + separator + w.service("beta", "beta") + separator + w.service("late", "late")
		dated := func(route, date string) string {
			return strings.Replace(route, "metadata: {", "metadata: {creationTimestamp: "+date+"T00:00:00Z, ", 1)
		}
		plain := dated(webSocketRoute("plain", "  rules:\n"+rule("plain", "path: {value: /}")), "2026-01-01")
		beta := dated(webSocketRoute("beta", "  rules:\n"+rule("beta", "path: {value: /}, headers: [{name: X-Beta, type: Present}, {name: X-Who, value: me}]")), "2026-02-01")
		late := dated(webSocketRoute("late", "  rules:\n"+rule("late", "path: {value: /}, headers: [{name: x-who, value: me}, {name: x-beta, type: Present}]")), "2026-03-01")
		w.apply("chat", services, plain, beta)
		w.wantAll("plain", echo)
		w.wantAll("beta", echo, "X-Beta: 1", "X-Who: me")
		w.wantAll("plain", echo, "X-Beta: 1")

		// The same conditions in other words are the same.
		w.apply("chat", services, late, plain)
		w.wantAll("late", echo, "X-Beta: 1", "X-Who: me")
		w.apply("chat", services, plain, beta, late)
		w.wantAll("beta", echo, "X-Beta: 1", "X-Who: me")
		w.toldThat("Conflicted", "WebSocketRoute default/late", "with the same conditions belongs to WebSocketRoute default/beta, which is older")
	})
}

func TestSharesOfLiveSessionsConverge(t *testing.T) {
	story(t, func(w *world) {
		shared := func(share, backends string) string {
			return webSocketRoute("chat", "  rules: [{backends: ["+backends+"]}]\n  policy: {balance: {share: "+share+"}}\n")
		}
		services := w.service("old", "old") + separator + w.service("new", "new")
		const both = "{name: old, port: 80, weight: 3}, {name: new, port: 80, weight: 1}"
		w.apply("chat", services, shared("NewSessions", "{name: old, port: 80}"))
		w.wantShare("old", 12, w.tally(12, echo))
		w.apply("chat", services, shared("LiveSessions", both))
		// Four of sixteen are its share, and it has none yet.
		if got := w.tally(4, echo); got["new"] != 4 {
			w.t.Errorf("while it had less than its share, sockets went to %v", got)
		}
		w.wantShare("new", 2, w.tally(8, echo))

		// Sockets that end leave room for others.
		for _, s := range append([]*socket(nil), w.sockets...) {
			if s.pod() == "old" {
				s.hangUp()
			}
		}
		w.until("nobody is on the old pod", func() bool { return w.pod("old").Sessions() == 0 })
		if got := w.tally(10, echo); got["old"] != 10 {
			w.t.Errorf("with none of its share, the old pod got %v", got)
		}
		w.apply("chat", services, shared("NewSessions", both))
		w.wantShare("old", 9, w.tally(12, echo))
	})
}

func TestARuleOverridesThePolicyOfItsRouteFieldByField(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), webSocketRoute("chat", `
  rules:
  - matches: [{path: {value: /short}}]
    backends: [{name: chat, port: 80}]
    policy: {timeouts: {idle: 300ms}, access: {denyCIDRs: [127.0.0.8/32]}}
  - matches: [{path: {value: /pages}}]
    backends: [{name: chat, port: 80}]
    policy: {protocols: [HTTP, WebSocket], headers: {response: {set: [{name: X-Rule, value: pages}]}}}
  - backends: [{name: chat, port: 80}]
  policy:
    timeouts: {idle: 1h, handshake: 5s}
    access: {allowCIDRs: [127.0.0.0/28], origins: ["https://app.example.com"]}
    headers: {request: {set: [{name: X-Route, value: chat}], remove: [X-Debug]}}
`))
		short := w.open("chat.example.com/short/socket?mode=echo", "X-Debug: 1")
		if told := w.pod("a").last(w.t).Header; told.Get("X-Route") != "chat" || told.Get("X-Debug") != "" {
			w.t.Errorf("the rule has its route's headers, and told %v", told)
		}
		w.from("127.0.0.8").wantRefused(403, "SourceRefused", "chat.example.com/short/socket?mode=echo")
		w.from("127.0.0.8").open(echo)
		w.from("127.0.0.99").wantRefused(403, "SourceRefused", "chat.example.com/short/socket?mode=echo") // still the route's list
		w.from("127.0.0.99").wantRefused(403, "SourceRefused", echo)
		w.wantRefused(403, "OriginRefused", echo, "Origin: https://evil.example.com")
		w.open(echo, "Origin: https://app.example.com")
		if got := w.wantPage(200, "", "chat.example.com/pages/x"); got.Header.Get("X-Rule") != "pages" {
			w.t.Errorf("%v", got.Header)
		}
		w.wantPage(426, "NotWebSocket", "chat.example.com/x")
		long := w.open(echo)
		if code := short.code(); code != 1001 {
			w.t.Errorf("after the silence of the rule it ended with %d", code)
		}
		long.echoes()
	})
}

func TestARouteRewritesAndBalances(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a", "b", "c"), webSocketRoute("chat", `
  rules:
  - matches: [{path: {value: /v1}}, {path: {type: RegularExpression, value: "/team/([a-z]+)/"}}]
    rewrite: {path: /app, host: chat.internal}
    backends: [{name: chat, port: ws}]
    policy: {balance: {algorithm: ConsistentHash, hashOn: [{type: Cookie, name: uid}, {type: QueryParam, name: uid}]}}
`))
		r := w.arrived("chat.example.com/v1/socket?mode=echo&uid=1")
		if r.RequestURI != "/app/socket?mode=echo&uid=1" || r.Host != "chat.internal" {
			w.t.Errorf("came as %s%s", r.Host, r.RequestURI)
		}
		for uid := range 4 {
			if met := w.podsOf(3, fmt.Sprintf("chat.example.com/v1/socket?mode=echo&uid=%d", uid)); len(met) != 1 {
				w.t.Errorf("uid %d is on %v", uid, met)
			}
			for pod := range w.podsOf(1, fmt.Sprintf("chat.example.com/v1/socket?mode=echo&uid=%d", uid)) {
				w.wantAll(pod, "chat.example.com/v1/socket?mode=echo&uid=x", fmt.Sprint("Cookie: uid=", uid))
			}
		}
	})
}

func TestARouteAsksAServiceAndKnowsPasswords(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(sayYesTo("Cookie", "session=good"))
		fixed := []string{w.service("chat", "a"), secretOf("users", "auth", sha("ann", "secret"))}
		w.apply("chat", append(fixed, webSocketRoute("chat", `
  rules:
  - matches: [{path: {value: /by-service}}]
    backends: [{name: chat, port: 80}]
    policy: {access: {externalAuth: {url: "`+service.URL+`/check", responseHeaders: [X-Auth-User]}}}
  - matches: [{path: {value: /by-password}}]
    backends: [{name: chat, port: 80}]
    policy: {access: {basicAuth: {secretName: users}}}
  - matches: [{path: {value: /by-nobody}}]
    backends: [{name: chat, port: 80}]
    policy: {access: {basicAuth: {secretName: missing}}}
`))...)
		w.open("chat.example.com/by-service/socket?mode=echo", "Cookie: session=good")
		w.wantRefused(401, "AuthRefused", "chat.example.com/by-service/socket?mode=echo")
		w.open("chat.example.com/by-password/socket?mode=echo", knowing("ann", "secret"))
		w.wantRefused(401, "Unauthorized", "chat.example.com/by-password/socket?mode=echo")
		w.wantRefused(503, "Sealed", "chat.example.com/by-nobody/socket?mode=echo", knowing("ann", "secret"))
		w.toldThat("InvalidRef", "WebSocketRoute default/chat", "rules[2].policy.access.basicAuth", "missing")
	})
}

func TestOneBackendOfARuleThatIsMissingLeavesTheOthers(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), webSocketRoute("chat", "  rules: [{backends: [{name: chat, port: 80}, {name: nobody, port: 80}, {name: chat, port: nowhere}]}]\n"))
		w.wantAll("a", echo)
		w.toldThat("BackendNotFound", "nobody", "rules[0].backends[1]")
		w.toldThat("PortNotFound", "nowhere", "rules[0].backends[2]")
	})
}

func TestARouteInTheClear(t *testing.T) {
	story(t, func(w *world) {
		fixed := []string{w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com")}
		serve := func(policy string) {
			w.apply("chat", append(fixed, webSocketRoute("chat", `
  tls: [{hosts: [chat.example.com], secretName: chat-tls}]
  rules: [{backends: [{name: chat, port: 80}]}]
  policy: {`+policy+`}
`))...)
		}
		serve("protocols: [WebSocket, HTTP]")
		w.open(echo)
		w.wantRedirect(308, "https://chat.example.com/page", "chat.example.com/page")
		serve("insecureWebSocket: Refuse")
		w.wantRefused(426, "NotSecure", echo)
		w.open(secure)
		serve("insecureWebSocket: Redirect")
		w.wantRefused(308, "RedirectedHTTPS", echo)
	})
}
