package feature

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// pods opens sockets and returns the pods that they came to.
func (w *world) podsOf(count int, where string, lines ...string) map[string]bool {
	w.t.Helper()
	pods := map[string]bool{}
	for pod := range w.tally(count, where, lines...) {
		pods[pod] = true
	}
	return pods
}

func TestSocketsOfOneKeyMeet(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c", "d")
		const room = "chat.example.com/socket?mode=echo&room="
		w.apply("chat", service, ingressFor(object{}, "upstream-hash-by: $arg_room$cookie_uid-${http_x_shard}"))
		seen := map[string]bool{}
		for i := range 12 {
			lines := []string{fmt.Sprint("Cookie: uid=", i%3), fmt.Sprint("X-Shard: ", i%2)}
			met := w.podsOf(3, room+fmt.Sprint(i), lines...)
			if len(met) != 1 {
				w.t.Errorf("room %d is on %v", i, met)
			}
			for pod := range met {
				seen[pod] = true
			}
		}
		if len(seen) < 3 {
			w.t.Errorf("12 keys are on %v", seen)
		}

		w.apply("chat", service, ingressFor(object{}, "upstream-hash-by: $remote_addr"))
		for _, address := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"} {
			pod := w.from(address).open(echo).pod()
			for range 3 {
				if got := w.from(address).open(room + "x").pod(); got != pod {
					w.t.Errorf("%s is on %s and on %s", address, pod, got)
				}
			}
		}
		for _, by := range []string{"$request_uri", "$uri", "$args", "$host", "$binary_remote_addr", "$scheme$server_name$request_method"} {
			w.apply("chat", service, ingressFor(object{}, "upstream-hash-by: "+by))
			if met := w.podsOf(4, room+"1"); len(met) != 1 {
				w.t.Errorf("by %s one client is on %v", by, met)
			}
		}

		w.apply("chat", service, ingressFor(object{}, "upstream-hash-by: $nobody_knows"))
		if met := w.podsOf(4, room+"1"); len(met) != 4 {
			w.t.Errorf("by an unknown variable sockets go to %v, want all in turn", met)
		}
		w.toldThat("upstream-hash-by", "nobody_knows")
	})
}

func TestSocketsOfOneKeyShareASubset(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c", "d", "e")
		for annotation, size := range map[string]int{"": 3, "upstream-hash-by-subset-size: 2": 2} {
			annotations := []string{"upstream-hash-by: $arg_room", "upstream-hash-by-subset: true"}
			if annotation != "" {
				annotations = append(annotations, annotation)
			}
			w.apply("chat", service, ingressFor(object{}, annotations...))
			for room := range 3 {
				if met := w.podsOf(12, fmt.Sprint(echo, "&room=", room)); len(met) != size {
					w.t.Errorf("%s: room %d is on %v", annotation, room, met)
				}
			}
		}
	})
}

func TestCookiesOfAClientSayWhereItWas(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c")
		w.apply("chat", service, ingressFor(object{paths: []string{"/", "/deep"}}, "affinity: cookie", "upstream-hash-by: $host"))
		first := w.open(echo)
		c := first.answer.Cookies()[0]
		if c.Name != "INGRESSCOOKIE" || c.Path != "/" || !c.HttpOnly || c.Secure || c.MaxAge != 0 || !c.Expires.IsZero() || c.SameSite != 0 || c.Domain != "" {
			w.t.Errorf("the cookie is %q", c.Raw)
		}
		w.wantAll(first.pod(), echo, "Cookie: INGRESSCOOKIE="+c.Value) // it comes before the hash
		if again := w.open(echo, "Cookie: INGRESSCOOKIE="+c.Value).answer.Cookies(); len(again) != 0 {
			w.t.Errorf("the client has it already and is given %v", again)
		}
		if deep := w.open("chat.example.com/deep/socket?mode=echo").leaves().answer.Cookies()[0]; deep.Path != "/deep" {
			w.t.Errorf("below /deep the cookie is %q", deep.Raw)
		}
		if c := w.open(secure).answer.Cookies()[0]; !c.Secure {
			w.t.Errorf("over TLS the cookie is %q", c.Raw)
		}
		if c := w.wantPage(200, "", "chat.example.com/page").Cookies()[0]; c.Name != "INGRESSCOOKIE" {
			w.t.Errorf("with a page the cookie is %q", c.Raw)
		}
		// A value that ingress-nginx has set is replaced.
		if again := w.open(echo, "Cookie: INGRESSCOOKIE=1700000000.123.45.678901|3f2a").answer.Cookies(); len(again) > 1 {
			w.t.Errorf("%v", again)
		}

		w.apply("chat", service, ingressFor(object{}, "affinity: cookie", "session-cookie-name: route", "session-cookie-path: /x", "session-cookie-domain: example.com",
			"session-cookie-max-age: 60", "session-cookie-expires: 120", "session-cookie-samesite: Strict", "session-cookie-secure: true"))
		c = w.open(echo).answer.Cookies()[0]
		ahead := time.Until(c.Expires)
		if c.Name != "route" || c.Path != "/x" || c.Domain != "example.com" || c.MaxAge != 60 || c.SameSite != http.SameSiteStrictMode || !c.Secure ||
			ahead < 100*time.Second || ahead > 121*time.Second {
			w.t.Errorf("the cookie is %q", c.Raw)
		}
	})
}

func TestReturningClientsMoveOrStay(t *testing.T) {
	story(t, func(w *world) {
		for mode, moves := range map[string]bool{"balanced": true, "persistent": false} {
			sticky := ingressFor(object{}, "affinity: cookie", "session-cookie-name: route", "affinity-mode: "+mode)
			w.apply("chat", w.service("chat", "a", "b"), sticky)
			was := map[string]string{} // by cookie
			for range 30 {
				s := w.open(echo)
				was["Cookie: route="+s.answer.Cookies()[0].Value] = s.pod()
			}
			for cookie, pod := range was {
				if got := w.open(echo, cookie).pod(); got != pod {
					w.t.Errorf("%s: nothing has changed, and %s became %s", mode, pod, got)
				}
			}
			w.apply("chat", w.service("chat", "a", "b", "c", "d"), sticky)
			moved := 0
			for cookie, pod := range was {
				got := w.open(echo, cookie).pod()
				if got != pod {
					moved++
				}
				if got != pod && (got == "a" || got == "b") {
					w.t.Errorf("%s: moved among the old pods", mode)
				}
			}
			if moves && (moved < len(was)/5 || moved > len(was)*4/5) || !moves && moved > 0 {
				w.t.Errorf("%s: of %d clients %d moved", mode, len(was), moved)
			}
			w.clear("chat")
		}
	})
}

func TestAPodThatFailsIsTriedOnOrLeft(t *testing.T) {
	for _, mode := range []string{"balanced", "persistent"} {
		t.Run(mode, func(t *testing.T) {
			story(t, func(w *world) {
				for i, annotations := range [][]string{{}, {"session-cookie-change-on-failure: false"}, {"session-cookie-change-on-failure: true"}} {
					leaves := i == 2
					w.apply("chat", w.service("chat", fmt.Sprint("one-", i), fmt.Sprint("other-", i)),
						ingressFor(object{}, append(annotations, "affinity: cookie", "affinity-mode: "+mode)...))
					s := w.open(echo)
					cookie := "Cookie: INGRESSCOOKIE=" + s.answer.Cookies()[0].Value
					dead := s.leaves().pod()
					w.pod(dead).Kill()
					if !leaves {
						if got := w.wantRefused(502, "ConnectFailed", echo, cookie); len(got.Cookies()) != 0 {
							w.t.Errorf("%q: the cookie became %v", annotations, got.Cookies())
						}
					} else if s := w.open(echo, cookie); s.pod() == dead || mode == "persistent" && len(s.answer.Cookies()) != 1 {
						w.t.Errorf("%q: to %s with %v", annotations, s.pod(), s.answer.Cookies())
					}
					w.open(echo) // whoever comes anew has the other pod
					w.clear("chat")
				}
			})
		})
	}
}
