package feature

import (
	"fmt"
	"slices"
	"testing"
)

// next is an Ingress for the hosts and paths of ingressFor(object{}), as its canary.
func next(annotations ...string) string {
	return ingressFor(object{name: "chat-next", service: "next"}, append(annotations, "canary: true")...)
}

// tally opens sockets and counts where they go.
func (w *world) tally(count int, where string, lines ...string) map[string]int {
	w.t.Helper()
	got := map[string]int{}
	for range count {
		got[w.open(where, lines...).pod()]++
	}
	return got
}

// wantAll opens sockets that must all go to one pod.
func (w *world) wantAll(pod, where string, lines ...string) {
	w.t.Helper()
	if got := w.tally(3, where, lines...); got[pod] != 3 {
		w.t.Errorf("sockets of %s %q went to %v, want %s", where, lines, got, pod)
	}
}

// wantShare compares a share with what it should be, give or take one.
func (w *world) wantShare(pod string, want int, got map[string]int) {
	w.t.Helper()
	if got[pod] < want-1 || got[pod] > want+1 {
		w.t.Errorf("%s got %d of %v, want %d", pod, got[pod], got, want)
	}
}

func TestACanaryGetsItsShareOfEverySmallNumber(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main") + separator + w.service("next", "next")
		for weight, of20 := range map[int]int{10: 2, 50: 10, 90: 18} {
			w.apply("chat", services, ingressFor(object{}), next(fmt.Sprint("canary-weight: ", weight)))
			w.wantShare("next", of20, w.tally(20, echo))
		}
		w.apply("chat", services, ingressFor(object{}), next("canary-weight: 0"))
		w.wantAll("main", echo)
		w.apply("chat", services, ingressFor(object{}), next("canary-weight: 100"))
		w.wantAll("next", echo)
		w.apply("chat", services, ingressFor(object{}), next("canary-weight: 250", "canary-weight-total: 1000"))
		w.wantShare("next", 5, w.tally(20, echo))
		w.apply("chat", services, ingressFor(object{}), next("canary-weight: 25", "canary-weight-total: 50"))
		w.wantShare("next", 5, w.tally(20, echo)) // less than 100 counts as 100
		w.toldThat("canary-weight-total", "less than 100")
		got := map[string]int{}
		for range 20 {
			got[w.somebody().get("chat.example.com/page").Header.Get("Chat-Pod")]++
		}
		w.wantShare("next", 5, got)
	})
}

func TestACanaryIsForWhomItsHeaderAndCookieName(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main") + separator + w.service("next", "next")
		canary := func(annotations ...string) { w.apply("chat", services, ingressFor(object{}), next(annotations...)) }

		canary("canary-by-header: X-Canary", "canary-by-cookie: beta", "canary-weight: 100")
		w.wantAll("next", echo, "X-Canary: always")
		w.wantAll("main", echo, "X-Canary: never")
		w.wantAll("main", echo, "X-Canary: never", "Cookie: beta=always") // the header comes first
		w.wantAll("next", echo, "X-Canary: always", "Cookie: beta=never")
		w.wantAll("main", echo, "X-Canary: perhaps", "Cookie: beta=never") // it decides nothing: the cookie does
		w.wantAll("main", echo, "Cookie: beta=never")                      // then the weight has no say
		w.wantAll("next", echo, "Cookie: beta=perhaps")                    // but here it has
		w.wantAll("next", echo)

		canary("canary-by-header: X-Canary", "canary-by-cookie: beta", "canary-weight: 0")
		w.wantAll("next", echo, "Cookie: beta=always")
		w.wantAll("main", echo, "X-Canary: yes")
		w.wantAll("main", echo)

		canary("canary-by-header: X-Canary", "canary-by-header-value: yes", "canary-by-header-pattern: no")
		w.wantAll("next", echo, "X-Canary: yes")
		w.wantAll("main", echo, "X-Canary: always") // only the value counts now
		w.wantAll("main", echo, "X-Canary: no")     // and the pattern doesn't

		canary("canary-by-header: X-User", "canary-by-header-pattern: ^(ann|bob)$")
		w.wantAll("next", echo, "X-User: bob")
		w.wantAll("main", echo, "X-User: bobby")
		canary("canary-by-header: X-User", "canary-by-header-pattern: beta")
		w.wantAll("next", echo, "X-User: a-beta-user")

		w.apply("chat", services, ingressFor(object{}))
		w.wantAll("main", echo, "X-User: a-beta-user")
	})
}

func TestAStickyClientStaysOnItsSideOfTheCanary(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main-1", "main-2") + separator + w.service("next", "next-1", "next-2")
		sticky := ingressFor(object{}, "affinity: cookie", "session-cookie-name: route")
		for _, mode := range []string{"balanced", "persistent"} {
			sticky := ingressFor(object{}, "affinity: cookie", "session-cookie-name: route", "affinity-mode: "+mode)
			w.apply("chat", services, sticky, next("canary-by-header: X-Canary", "canary-weight: 0"))
			chosen := w.open(echo, "X-Canary: always")
			on := "Cookie: route=" + chosen.answer.Cookies()[0].Value
			ordinary := w.open(echo)
			off := "Cookie: route=" + ordinary.answer.Cookies()[0].Value
			w.wantAll(chosen.pod(), echo, on)
			w.wantAll(chosen.pod(), echo, on, "X-Canary: never")
			w.apply("chat", services, sticky, next("canary-by-header: X-Canary", "canary-weight: 100"))
			w.wantAll(ordinary.pod(), echo, off)
			w.wantAll(ordinary.pod(), echo, off, "X-Canary: always")
		}

		w.apply("chat", services, sticky, next("canary-by-header: X-Canary", "canary-weight: 0", "affinity-canary-behavior: legacy"))
		bound := "Cookie: route=" + w.open(echo).answer.Cookies()[0].Value
		if pod := w.open(echo, bound, "X-Canary: always").pod(); pod != "next-1" && pod != "next-2" {
			w.t.Errorf("legacy: with the header it went to %s", pod)
		}
	})
}

func TestACanaryWithoutMainServesNothing(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main") + separator + w.service("next", "next")
		w.apply("chat", services, ingressFor(object{host: "other.example.com"}), next("canary-weight: 100"))
		w.wantRefused(404, "NoRoute", echo)
		w.toldThat("Ingress default/chat-next", "no Ingress without the annotation canary has this path")
		w.apply("chat", services, ingressFor(object{}), next("canary-weight: 100"))
		w.wantAll("next", echo)

		// Somebody else's namespace is no place to take requests from.
		theirs := ingressFor(object{name: "chat-next", namespace: "other", service: "next"}, "canary: true", "canary-weight: 100")
		w.apply("chat", services, ingressFor(object{}), theirs)
		w.wantAll("main", echo)
		w.toldThat("Ingress other/chat-next", "a canary must be in the same namespace")
	})
}

func TestOfTwoCanariesTheOlderCounts(t *testing.T) {
	story(t, func(w *world) {
		services := w.service("chat", "main") + separator + w.service("next", "next") + separator + w.service("later", "later")
		w.apply("chat", services, ingressFor(object{}),
			ingressFor(object{name: "a-late-canary", service: "later", created: "2026-02-01"}, "canary: true", "canary-weight: 100"),
			ingressFor(object{name: "canary", service: "next", created: "2026-01-01"}, "canary: true", "canary-weight: 100"))
		w.wantAll("next", echo)
		w.toldThat("Conflicted", "Ingress default/a-late-canary", "Ingress default/canary, which is older")
	})
}

func TestRequestsOfACanaryWithoutEndpointsGoToTheMainOne(t *testing.T) {
	story(t, func(w *world) {
		main := w.service("chat", "main") + separator + ingressFor(object{})
		w.apply("chat", main, w.service("next", "next"), next("canary-weight: 100", "upstream-hash-by: $arg_room"))
		w.wantAll("next", echo)
		w.toldThat("Ingress default/chat-next", "upstream-hash-by", "a canary is treated as its main Ingress says")
		w.apply("chat", main, w.service("next", "-next"), next("canary-weight: 100"))
		w.wantAll("main", echo)
		w.apply("chat", main, w.service("next"), next("canary-weight: 100"))
		w.wantAll("main", echo)
		w.apply("chat", main, w.service("next", "next"), next("canary-weight: 100"))
		w.wantAll("next", echo)
		for _, s := range slices.Clone(w.sockets) {
			if s.pod() == "next" {
				s.leaves()
			}
		}
		w.pod("next").Kill()
		w.wantAll("main", echo)
	})
}

func TestACanaryMayHaveAShareOfTheSocketsThatLive(t *testing.T) {
	story(t, func(w *world) {
		services, main := w.service("chat", "main")+separator+w.service("next", "next"), ingressFor(object{}, "fairlead.dev/share: live-sessions")
		w.apply("chat", services, ingressFor(object{})) // nobody thinks of a canary yet
		w.wantAll("main", echo)
		w.wantAll("main", echo)
		w.apply("chat", services, main, next("canary-weight: 25"))
		if got := w.tally(2, echo); got["next"] != 2 { // of eight
			w.t.Errorf("while it had less than its share, sockets went to %v", got)
		}
		w.wantShare("next", 2, w.tally(8, echo))
		w.wantShare("next", 2, w.tally(8, echo))
	})
}

func TestACanaryOfAnExpression(t *testing.T) {
	story(t, func(w *world) {
		chat := object{paths: []string{"/chat(/|$)(.*)"}, pathType: "ImplementationSpecific"}
		canary := chat
		canary.name, canary.service = "chat-next", "next"
		w.apply("chat", w.service("chat", "main"), w.service("next", "next"), ingressFor(chat, "rewrite-target: /$2"),
			ingressFor(canary, "canary: true", "canary-by-header: X-Canary", "rewrite-target: /$2"))
		w.wantAll("next", "chat.example.com/chat/socket?mode=echo", "X-Canary: always")
		w.wantAll("main", "chat.example.com/chat/socket?mode=echo")
		if got := w.pod("next").last(w.t).RequestURI; got != "/socket?mode=echo" {
			w.t.Errorf("came as %s", got)
		}
	})
}

func TestACanaryThatCannotBeReadServesNothing(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "main"), w.service("next", "next"), ingressFor(object{created: "2026-02-01"}),
			ingressFor(object{name: "chat-next", service: "next", created: "2026-01-01"}, "canary: maybe", "canary-weight: 10"))
		w.wantAll("main", echo)
		w.toldThat("InvalidAnnotation", "Ingress default/chat-next", "maybe", "is not served")
	})
}
