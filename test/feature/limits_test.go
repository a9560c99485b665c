package feature

import (
	"net/netip"
	"strings"
	"testing"
)

// trusting starts Fairlead behind a proxy at that address.
func trusting(address string) func(*settings) {
	return func(s *settings) { s.proxy.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(address + "/32")} }
}

func TestAClientHasAsManySocketsAsItMay(t *testing.T) {
	story(t, func(w *world) {
		limited := ingressFor(object{paths: []string{"/", "/other"}}, "limit-connections: 2", "limit-whitelist: 127.0.0.9, 192.0.2.0/24")
		w.apply("chat", w.service("chat", "a"), limited)
		first := w.open(echo)
		second := w.open("chat.example.com/other/socket?mode=echo") // the paths of an Ingress count together
		got := w.wantRefused(503, "TooManySessions", echo)
		if got.Header.Get("Retry-After") == "" {
			w.t.Error("nobody says when to come back")
		}
		w.wantRefused(503, "TooManySessions", "chat.example.com/other/socket?mode=echo")
		w.wantPage(503, "TooManySessions", "chat.example.com/page") // as in nginx, pages count too
		w.from("127.0.0.2").open(echo)
		for range 4 {
			w.from("127.0.0.9").open(echo) // exempt
		}

		// A publish forgets nobody.
		w.apply("chat", w.service("chat", "a", "b"), limited)
		w.wantRefused(503, "TooManySessions", echo)

		first.hangUp()
		w.until("the place of a socket that was closed is free", func() bool { return w.opens(echo) })
		w.wantRefused(503, "TooManySessions", echo)
		_ = second.leaves().NetConn().Close() // without a word
		w.until("the place of a socket that was cut is free", func() bool { return w.opens(echo) })
		w.wantRefused(503, "TooManySessions", echo)

		w.apply("chat", w.service("chat", "a", "b"), strings.ReplaceAll(limited, `limit-connections: "2"`, `limit-connections: "3"`))
		w.open(echo)
		w.wantRefused(503, "TooManySessions", echo)
	})
}

// opens reports whether a socket can be had, and keeps it.
func (w *world) opens(where string) bool {
	conn, answer, err := w.somebody().dial(where)
	if err == nil {
		w.adopt(conn, answer)
	}
	return err == nil
}

func TestSocketsThatEndpointsEndAreCountedOut(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), w.service("other", "b"), ingressFor(object{}, "limit-connections: 1"),
			ingressFor(object{name: "other", host: "other.example.com", service: "other"}, "limit-connections: 1"))
		mine := w.open(echo).leaves()
		w.open("other.example.com/socket?mode=echo") // the limits of two Ingresses are two
		w.wantRefused(503, "TooManySessions", echo)
		w.pod("a").Kill()
		mine.code()
		w.until("the place is free", func() bool { return w.somebody().refused(echo).reason() == "ConnectFailed" })
	})
}

func TestHandshakesComeNoFasterThanTheyMay(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		w.apply("chat", service, ingressFor(object{}, "limit-rpm: 2", "limit-allowlist: 127.0.0.9"))
		for range 2*5 + 1 { // the burst is five times the rate, and one is on its way
			w.open(echo)
		}
		got := w.wantRefused(503, "TooManyRequests", echo)
		if after := got.Header.Get("Retry-After"); after != "30" && after != "29" {
			w.t.Errorf("two a minute, and the next one may come after %q s", after)
		}
		w.wantPage(503, "TooManyRequests", "chat.example.com/page")
		w.from("127.0.0.2").open(echo)
		for range 15 {
			w.from("127.0.0.9").open(echo)
		}

		w.apply("chat", service, ingressFor(object{}, "limit-rpm: 30", "limit-burst-multiplier: 0"))
		w.until("the next one may come", func() bool { return w.opens(echo) })
		w.wantRefused(503, "TooManyRequests", echo)
	})
}

func TestLimitsCountWhoIsNotLetInToo(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "limit-rpm: 1", "limit-burst-multiplier: 2", "whitelist-source-range: 192.0.2.0/24"))
		for range 3 {
			w.wantRefused(403, "SourceRefused", echo)
		}
		w.wantRefused(503, "TooManyRequests", echo)
	})
}

func TestClientsBehindATrustedProxyAreToldApart(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "limit-connections: 1"))
		proxy, other := w.from("127.0.0.7"), w.from("127.0.0.1")
		proxy.open(echo, "X-Forwarded-For: 192.0.2.1")
		proxy.open(echo, "X-Forwarded-For: 192.0.2.2")
		proxy.wantRefused(503, "TooManySessions", echo, "X-Forwarded-For: 192.0.2.1")
		other.open(echo, "X-Forwarded-For: 192.0.2.3")
		other.wantRefused(503, "TooManySessions", echo, "X-Forwarded-For: 192.0.2.4") // whatever it says
	}, trusting("127.0.0.7"))
}

func TestALimitThatCannotBeReadClosesTheDoor(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "limit-connections: many"),
			ingressFor(object{name: "other", host: "other.example.com"}, "limit-rate: 100"))
		w.wantRefused(503, "Sealed", echo)
		w.toldThat("InvalidAnnotation", "limit-connections", "many")
		w.open("other.example.com/socket?mode=echo")
		w.toldThat("UnsupportedAnnotation", "limit-rate")
	})
}

func TestARouteHasAsManySocketsAsItMay(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), webSocketRoute("chat", `
  rules: [{backends: [{name: chat, port: 80}]}]
  policy: {limits: {sessions: 2, handshakesPerSecondPerClient: 1, burst: 3, exemptCIDRs: [127.0.0.2/32]}}
`))
		w.open(echo)
		second := w.from("127.0.0.2").open(echo)
		w.from("127.0.0.3").wantRefused(503, "TooManySessions", echo)
		w.from("127.0.0.2").wantRefused(503, "TooManySessions", echo) // this limit is for all together
		second.hangUp()
		w.until("its place is free", func() bool {
			conn, answer, err := w.from("127.0.0.2").dial(echo)
			if err == nil {
				w.adopt(conn, answer)
			}
			return err == nil
		})
		for range 3 {
			w.wantRefused(503, "TooManySessions", echo)
		}
		w.wantRefused(503, "TooManyRequests", echo)
	})
}
