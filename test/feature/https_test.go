package feature

import (
	"strings"
	"testing"
)

func TestWhoComesInTheClearIsSentToHTTPS(t *testing.T) {
	story(t, func(w *world) {
		fixed := []string{w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com")}
		serve := func(o object, annotations ...string) {
			w.apply("chat", append(fixed, ingressFor(o, annotations...))...)
		}
		const page, there = "chat.example.com/page/?a=b", "https://chat.example.com/page/?a=b"

		serve(object{}) // without TLS for the host nobody is sent anywhere
		w.wantPage(200, "", page)
		serve(overTLS(object{}))
		w.wantRedirect(308, there, page)
		w.wantPage(200, "", there)
		w.open(echo) // clients of sockets don't follow redirects
		w.open(secure)
		serve(overTLS(object{}), "ssl-redirect: false")
		w.wantPage(200, "", page)
		serve(object{}, "force-ssl-redirect: true", "ssl-redirect: false")
		w.wantRedirect(308, there, page)

		serve(overTLS(object{}), "fairlead.dev/insecure-websocket: refuse")
		w.wantRefused(426, "NotSecure", echo)
		w.open(secure)
		serve(overTLS(object{}), "fairlead.dev/insecure-websocket: redirect")
		got := w.wantRefused(308, "RedirectedHTTPS", echo)
		if at := got.Header.Get("Location"); at != "https://chat.example.com/socket?mode=echo" && at != "wss://chat.example.com/socket?mode=echo" {
			w.t.Errorf("a socket is sent to %q", at)
		}
		serve(overTLS(object{}), "fairlead.dev/insecure-websocket: serve")
		w.open(echo)

		// A proxy in front has spoken TLS.
		proxy := w.from("127.0.0.7")
		proxy.wantPage(200, "", page, "X-Forwarded-Proto: https")
		proxy.wantRedirect(308, there, page, "X-Forwarded-Proto: http")
		w.wantRedirect(308, there, page, "X-Forwarded-Proto: https")
	}, trusting("127.0.0.7"))
}

func TestTheWayOfChallengesStaysFree(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com"), ingressFor(overTLS(object{})))
		w.wantPage(200, "", "chat.example.com/.well-known/acme-challenge/token")
		w.wantRedirect(308, "https://chat.example.com/.well-known/other", "chat.example.com/.well-known/other")
	})
}

func TestAHostWantsANewVersionOfTLS(t *testing.T) {
	story(t, func(w *world) {
		fixed := []string{w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com")}
		w.apply("chat", append(fixed, ingressFor(overTLS(object{})), ingressFor(object{name: "other", host: "other.example.com"}))...)
		before := w.open(secure)
		w.apply("chat", append(fixed, ingressFor(overTLS(object{}), "fairlead.dev/tls-min-version: 1.3"), ingressFor(object{name: "other", host: "other.example.com"}))...)
		w.open(secure)
		before.echoes()
	})
}

func TestOfTwoCertificatesForAHostTheOldersIsShown(t *testing.T) {
	story(t, func(w *world) {
		withSecret := func(name, created string) string {
			return secret(w.t, name, name, "chat.example.com") + separator + ingressFor(object{
				name: name, created: created, paths: []string{"/" + name},
				spec: []string{"tls: [{hosts: [chat.example.com], secretName: " + name + "}]"},
			})
		}
		w.apply("chat", w.service("chat", "a"), withSecret("young", "2026-02-01"), withSecret("old", "2026-01-01"))
		s := w.open("https://chat.example.com/young/socket?mode=echo")
		if _, shown := w.shown(s); shown != "old" {
			w.t.Errorf("shown %q", shown)
		}
		w.toldThat("Conflicted", "Ingress default/young", "Ingress default/old")
		if strings.Contains(strings.Join(w.told.all(), ""), "Ingress default/old field") {
			w.t.Error("the winner is told")
		}
	})
}
