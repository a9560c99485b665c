package feature

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// quickly makes drains so short that a story sees them.
var quickly = []string{"fairlead.dev/drain-deadline: 200ms", "fairlead.dev/drain-spread: 100ms"}

// settles waits until every drain that could have begun is over: that nothing happens can only be
// seen by waiting.
func (w *world) settles() { time.Sleep(700 * time.Millisecond) }

func TestSocketsStayWhereTheyAreWhenBackendsChange(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main") + separator + w.service("next", "next") + separator + w.service("other", "other")
		main := ingressFor(object{}, quickly...)
		w.apply("chat", services, main, next("canary-weight: 50"))
		if got := w.tally(6, echo); got["next"] < 2 || got["main"] < 2 {
			w.t.Fatalf("sockets went to %v", got)
		}
		w.apply("chat", services, main) // the canary is over
		w.apply("chat", services, ingressFor(object{service: "other"}, quickly...))
		w.wantAll("other", echo)
		w.settles()
	})
}

func TestSocketsStayWhenBackendsOfARuleChange(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "a") + separator + w.service("next", "b")
		route := func(backends string) string {
			return webSocketRoute("chat", "  rules: [{backends: ["+backends+"]}]\n  policy: {drain: {deadline: 200ms, spread: 100ms}}\n")
		}
		w.apply("chat", services, route("{name: chat, port: 80}"))
		w.wantAll("a", echo)
		w.apply("chat", services, route("{name: chat, port: 80}, {name: next, port: 80}"))
		w.apply("chat", services, route("{name: chat, port: 80, weight: 0}, {name: next, port: 80}"))
		w.wantAll("b", echo)
		w.apply("chat", services, route("{name: next, port: 80}"))
		w.settles()
	})
}

func TestNoAnnotationCutsASocket(t *testing.T) {
	story(t, func(w *world) {
		auth := w.authService(sayYesTo("X-Nobody", "sends this"))
		fixed := []string{w.service("chat", "a"), w.service("sorry", "s"), secretOf("users", "auth", sha("ann", "secret"))}
		w.apply("chat", append(fixed, ingressFor(object{}, quickly...))...)
		for range 4 {
			w.open(echo)
			w.open(secure)
		}
		for _, said := range []string{
			"denylist-source-range: 127.0.0.0/8", "whitelist-source-range: nobody", "auth-url: " + auth.URL, "limit-connections: 1", "limit-rpm: 1",
			"permanent-redirect: https://new.example.com", "force-ssl-redirect: true", "fairlead.dev/insecure-websocket: refuse", "affinity: cookie",
			"upstream-hash-by: $remote_addr", "backend-protocol: HTTPS", "use-regex: true", "rewrite-target: /$1", "upstream-vhost: chat.internal",
			"default-backend: sorry", "enable-cors: true", "proxy-body-size: 1", "proxy-next-upstream: off", "server-alias: talk.example.com", "app-root: /app",
			"auth-tls-secret: missing", "proxy-read-timeout: 3600", "fairlead.dev/origins: https://app.example.com", "fairlead.dev/protocols: HTTP",
			"fairlead.dev/max-age: 1h", "fairlead.dev/keepalive-interval: 1h", "fairlead.dev/tls-min-version: 1.3", "from-to-www-redirect: true",
		} {
			w.apply("chat", append(fixed, ingressFor(object{}, append([]string{said}, quickly...)...))...)
		}
		w.apply("chat", append(fixed, ingressFor(object{}, append([]string{"auth-type: basic", "auth-secret: users"}, quickly...)...))...)
		w.settles()
	})
}

func TestSocketsStayWhenTheirObjectIsWrittenOtherwise(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		w.apply("chat", service, ingressFor(object{}, quickly...))
		w.open(echo)
		w.apply("chat", service, ingressFor(object{name: "renamed"}, quickly...))
		w.open(echo)
		w.apply("chat", service, ingressFor(object{name: "renamed", paths: []string{"/", "/more"}}, quickly...))
		w.apply("chat", service, webSocketRoute("chat", "  rules: [{backends: [{name: chat, port: ws}]}]\n  policy: {drain: {deadline: 200ms, spread: 100ms}}\n"))
		w.open(echo)
		w.apply("chat", service, strings.Replace(webSocketRoute("chat", "  rules: [{name: main, backends: [{name: chat, port: 80}]}]\n"), "hosts: [chat.example.com]", `hosts: ["*.example.com"]`, 1))
		w.settles()
	})
}

func TestSocketsStayWhenTheirPathIsWrittenOtherwise(t *testing.T) {
	const at = "chat.example.com/chat/socket?mode=echo"
	story(t, func(w *world) {
		service := w.service("chat", "a") + separator + w.service("site", "s")
		whole := ingressFor(object{name: "site", service: "site"})
		w.apply("chat", service, whole, ingressFor(object{paths: []string{"/chat"}}, quickly...))
		w.open(at)
		w.apply("chat", service, whole, ingressFor(object{paths: []string{"/chat(/|$)(.*)"}, pathType: "ImplementationSpecific"}, append([]string{"rewrite-target: /$2"}, quickly...)...))
		w.open(at)
		w.apply("chat", service, whole, ingressFor(object{paths: []string{"/chat"}}, quickly...))
		w.open(at)
		w.apply("chat", service, ingressFor(object{paths: []string{"/"}}, quickly...))
		w.open(at)
		w.settles()
		w.keepsSockets()

		// The site has the path now, and it is another one.
		for _, s := range slices.Clone(w.sockets) {
			s.leaves()
		}
		w.apply("chat", service, whole)
		w.wantAll("s", at)
	})
}

func TestSocketsOfADeletedPathAreToldToComeBack(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "a") + separator + w.service("site", "s") + separator + ingressFor(object{name: "site", service: "site"})
		w.apply("chat", services, ingressFor(object{paths: []string{"/chat"}}, quickly...))
		s := w.open("chat.example.com/chat/socket?mode=echo").leaves()
		w.apply("chat", services) // the site would take the path, and is no chat
		if code := s.code(); code != 1001 {
			w.t.Errorf("closed with %d", code)
		}
	})
}

func TestHundredsOfPublishesCutNothing(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a", "b"), ingressFor(object{}, quickly...), next("canary-weight: 20"), w.service("next", "next"))
		w.tally(10, echo)
		for i := range 10 {
			pods := []string{"a", "b", fmt.Sprint("more-", i)}
			w.apply("chat", w.service("chat", pods...), ingressFor(object{}, append([]string{fmt.Sprint("limit-connections: ", 100+i)}, quickly...)...),
				next(fmt.Sprint("canary-weight: ", 20+i)), w.service("next", "next"))
			for range 2 {
				if s := w.open(echo); strings.HasPrefix(s.pod(), "more-") {
					s.leaves() // its pod goes
				}
			}
		}
	})
}
