package feature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// arrived opens a socket and returns how the request came to the endpoint.
func (w *world) arrived(where string, lines ...string) *http.Request {
	w.t.Helper()
	s := w.open(where, lines...)
	return w.pod(s.pod()).last(w.t)
}

func TestPathsAreRewrittenByGroups(t *testing.T) {
	story(t, func(w *world) {
		rewritten := object{paths: []string{"/team/([^/]+)/chat(/|$)(.*)"}, pathType: "ImplementationSpecific"}
		w.apply("chat", w.service("chat", "a"), ingressFor(rewritten, "rewrite-target: /$1/$3", "x-forwarded-prefix: /team"))
		r := w.arrived("chat.example.com/team/red/chat/socket?mode=echo&q=%20x")
		if r.RequestURI != "/red/socket?mode=echo&q=%20x" || r.Header.Get("X-Forwarded-Prefix") != "/team" {
			w.t.Errorf("came as %s, prefix %q", r.RequestURI, r.Header.Get("X-Forwarded-Prefix"))
		}
		r = w.arrived("chat.example.com/TEAM/Red/Chat/socket?mode=echo", "X-Forwarded-Prefix: /forged")
		if r.RequestURI != "/Red/socket?mode=echo" || r.Header.Get("X-Forwarded-Prefix") != "/team" {
			w.t.Errorf("case counts for nothing, but it came as %s, prefix %q", r.RequestURI, r.Header.Values("X-Forwarded-Prefix"))
		}
		w.wantPage(200, "", "chat.example.com/team/red/chat")
		if got := w.pod("a").last(w.t).RequestURI; got != "/red/" {
			w.t.Errorf("came as %s", got)
		}
		w.wantRefused(404, "NoRoute", "chat.example.com/team/chat/socket")

		w.dropSockets() // their paths belong to nobody then
		w.apply("chat", w.service("chat", "a"), ingressFor(object{paths: []string{"/chat(/|$)(.*)"}, pathType: "ImplementationSpecific"}, "rewrite-target: /$2"))
		if r := w.arrived("chat.example.com/chat/socket?mode=echo"); r.RequestURI != "/socket?mode=echo" || r.Header.Get("X-Forwarded-Prefix") != "" {
			w.t.Errorf("came as %s, prefix %q", r.RequestURI, r.Header.Get("X-Forwarded-Prefix"))
		}
	})
}

func TestXForwardedPrefixNeedsARewrite(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "x-forwarded-prefix: /chat"))
		if got := w.arrived(echo).Header.Get("X-Forwarded-Prefix"); got != "" {
			w.t.Errorf("told %q", got)
		}
		w.toldThat("x-forwarded-prefix", "no path is rewritten")
	})
}

func TestOneExpressionMakesAllPathsOfTheHostExpressions(t *testing.T) {
	story(t, func(w *world) {
		at := func(name string, annotations []string, pathType string, paths ...string) string {
			return ingressFor(object{name: name, service: name, paths: paths, pathType: pathType}, annotations...)
		}
		w.apply("chat", w.service("short", "short"), w.service("long", "long"), w.service("exact", "exact"), w.service("elsewhere", "elsewhere"),
			at("short", []string{"use-regex: true"}, "ImplementationSpecific", "/chat/.*"),
			at("long", nil, "Prefix", "/chat/room/[0-9]+"), // an expression too, since its host has one
			at("exact", nil, "Exact", "/foo"),
			ingressFor(object{name: "elsewhere", service: "elsewhere", host: "elsewhere.example.com", paths: []string{"/c.at"}}))
		w.wantAll("short", "chat.example.com/chat/socket?mode=echo")
		w.wantAll("long", "chat.example.com/chat/room/12/socket?mode=echo") // the longest expression comes first
		w.wantAll("long", "chat.example.com/CHAT/ROOM/12/socket?mode=echo")
		w.wantAll("short", "chat.example.com/chat/room/x/socket?mode=echo")
		if got := w.wantPage(200, "", "chat.example.com/foobar").Header.Get("Chat-Pod"); got != "exact" {
			w.t.Errorf("as in ingress-nginx the path has a beginning and no end, but /foobar is served by %q", got)
		}
		w.wantRefused(404, "NoRoute", "elsewhere.example.com/chat/socket?mode=echo")
		w.wantAll("elsewhere", "elsewhere.example.com/c.at/socket?mode=echo")
	})
}

func TestAliasesLoseToHostsOfRules(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), w.service("other", "b"),
			ingressFor(object{created: "2026-01-01"}, "server-alias: talk.example.com, other.example.com"),
			ingressFor(object{name: "other", service: "other", host: "other.example.com", created: "2026-02-01"}))
		w.wantAll("a", "talk.example.com/socket?mode=echo")
		w.wantAll("b", "other.example.com/socket?mode=echo") // though it is younger
		w.toldThat("Conflicted", "Ingress default/chat", "other.example.com")

		w.dropSockets()
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "server-alias: talk.example.com"))
		w.wantRefused(404, "NoRoute", "other.example.com/socket?mode=echo")
	})
}

func TestTheRootLeadsToTheApplication(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "app-root: /app/start"))
		w.wantRedirect(302, "/app/start", "chat.example.com/")
		w.wantPage(200, "", "chat.example.com/app/start")
		w.open(echo)
	})
}

func TestRedirects(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		for _, said := range []struct {
			annotations []string
			status      int
			to          string
		}{
			{[]string{"permanent-redirect: https://new.example.com"}, 301, "https://new.example.com"},
			{[]string{"permanent-redirect: https://new.example.com$request_uri", "permanent-redirect-code: 308"}, 308, "https://new.example.com/page?a=b"},
			{[]string{"temporal-redirect: https://soon.example.com/"}, 302, "https://soon.example.com/"},
			{[]string{"temporal-redirect: https://soon.example.com/", "temporal-redirect-code: 307", "permanent-redirect: https://new.example.com"}, 307, "https://soon.example.com/"},
		} {
			w.apply("chat", service, ingressFor(object{}, said.annotations...))
			w.wantRedirect(said.status, said.to, "chat.example.com/page?a=b")
			if got := w.somebody().refused(echo); got.StatusCode != said.status {
				w.t.Errorf("a socket got %d", got.StatusCode)
			}
		}
	})
}

func TestFromWWWAndToIt(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "from-to-www-redirect: true"),
			ingressFor(object{name: "www", host: "www.example.org"}, "from-to-www-redirect: true"))
		w.wantRedirect(308, "http://chat.example.com/page?a=b", "www.chat.example.com/page?a=b")
		w.wantRedirect(308, "http://www.example.org/", "example.org/")
		w.open(echo)
		w.open("www.example.org/socket?mode=echo")
		w.wantRedirect(308, "https://chat.example.com/page", "https://www.chat.example.com/page")

		// A host that somebody serves is redirected by nobody.
		w.dropSockets()
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "from-to-www-redirect: true"), ingressFor(object{name: "www", host: "www.chat.example.com"}))
		w.open("www.chat.example.com/socket?mode=echo")
	})
}

func TestEndpointsAreToldAnotherHost(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}))
		if r := w.arrived(echo); r.Host != "chat.example.com" {
			w.t.Errorf("Host %q", r.Host)
		}
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "upstream-vhost: chat.internal"))
		r := w.arrived(echo)
		if r.Host != "chat.internal" || r.Header.Get("X-Forwarded-Host") != "chat.example.com" {
			w.t.Errorf("Host %q, X-Forwarded-Host %q", r.Host, r.Header.Get("X-Forwarded-Host"))
		}
	})
}

func TestPathsOfAnIngressHaveTheirPrecedence(t *testing.T) {
	story(t, func(w *world) {
		at := func(name, host, pathType, path string) string {
			return w.service(name, name) + separator + ingressFor(object{name: name, service: name, host: host, pathType: pathType, paths: []string{path}})
		}
		w.apply("chat",
			at("exact", "chat.example.com", "Exact", "/foo"), at("prefix", "chat.example.com", "Prefix", "/foo"),
			at("longer", "chat.example.com", "Prefix", "/foo/bar/"), at("specific", "chat.example.com", "ImplementationSpecific", "/spec"),
			at("wildcard", "*.example.com", "Prefix", "/"))
		for path, pod := range map[string]string{
			"chat.example.com/foo": "exact", "chat.example.com/foo/": "prefix", "chat.example.com/foo/bar": "longer", "chat.example.com/foo/bar/x": "longer",
			"chat.example.com/foo/barx": "prefix", "chat.example.com/foobar": "wildcard", "chat.example.com/Foo": "wildcard",
			"chat.example.com/spec/x": "specific", "chat.example.com/specs": "wildcard", "any.example.com/foo": "wildcard",
		} {
			if got := w.wantPage(200, "", path).Header.Get("Chat-Pod"); got != pod {
				w.t.Errorf("%s is served by %s, want %s", path, got, pod)
			}
		}
		w.wantPage(404, "NoRoute", "a.b.example.com/")
		w.wantPage(404, "NoRoute", "example.com/")
	})
}

func TestTheOldestHasThePathAndTheOtherIsTold(t *testing.T) {
	story(t, func(w *world) {
		claim := func(name, created string) string {
			return w.service(name, name) + separator + ingressFor(object{name: name, service: name, created: created})
		}
		w.apply("chat", claim("young", "2026-03-01"), claim("old", "2026-01-01"), claim("as-young", "2026-03-01"))
		w.wantAll("old", echo)
		w.toldThat("Conflicted", "Ingress default/young", "belongs to Ingress default/old, which is older")
		w.toldThat("Conflicted", "Ingress default/as-young", "belongs to Ingress default/old, which is older")
		w.apply("chat", claim("young", "2026-03-01"), claim("as-young", "2026-03-01"))
		w.wantAll("as-young", echo)
		w.toldThat("Conflicted", "Ingress default/young", "belongs to Ingress default/as-young, which is as old and comes first by name")
		route := strings.Replace(webSocketRoute("route", "  rules: [{backends: [{name: old, port: 80}]}]\n"), "{name: route}", "{name: route, creationTimestamp: 2026-02-01T00:00:00Z}", 1)
		w.apply("chat", claim("young", "2026-03-01"), claim("as-young", "2026-03-01"), w.service("old", "old"), route)
		w.wantAll("old", echo)
		w.toldThat("Conflicted", "Ingress default/as-young", "belongs to WebSocketRoute default/route, which is older")
	})
}

func TestDefaultBackendsTakeWhatIsLeft(t *testing.T) {
	story(t, func(w *world) {
		rest := fmt.Sprintf("defaultBackend: {service: {name: %s, port: {number: 80}}}", "rest")
		w.apply("chat", w.service("chat", "a"), w.service("rest", "r"), ingressFor(object{paths: []string{"/chat"}, spec: []string{rest}}))
		w.wantAll("a", "chat.example.com/chat/socket?mode=echo")
		w.wantAll("r", "chat.example.com/socket?mode=echo")
		w.wantPage(404, "NoRoute", "other.example.com/")
		w.dropSockets()
		w.apply("chat", w.service("chat", "a"), w.service("rest", "r"), ingressFor(object{paths: []string{"/chat"}}), `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: everything}
spec: {ingressClassName: fairlead, `+rest+`}`)
		w.wantAll("r", "other.example.com/socket?mode=echo")
	})
}
