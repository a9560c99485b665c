package feature

import (
	"net/url"
	"strings"
	"testing"
)

const secure = "https://chat.example.com/socket?mode=echo"

// overTLS returns a short form whose host has a certificate.
func overTLS(o object) object {
	o.spec = append(o.spec, "tls: [{hosts: [chat.example.com], secretName: chat-tls}]")
	return o
}

func TestClientsShowCertificates(t *testing.T) {
	story(t, func(w *world) {
		ours, theirs := newCA(w.t, "Harbour"), newCA(w.t, "Elsewhere")
		ann, bob := ours.issue("chat-ann"), ours.issue("bob")
		eve := theirs.issue("chat-ann")
		fixed := []string{w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com"), secretOf("client-ca", "ca.crt", ours.pem())}
		serve := func(annotations ...string) {
			w.apply("chat", append(fixed, ingressFor(overTLS(object{}), append(annotations, "auth-tls-secret: default/client-ca")...))...)
		}

		serve("ssl-redirect: false")
		s := w.showing(ann).open(secure, "Ssl-Client-Subject-Dn: CN=root", "Ssl-Client-Cert: forged")
		told := w.pod("a").last(w.t).Header
		for name, want := range map[string]string{
			"Ssl-Client-Verify": "SUCCESS", "Ssl-Client-Subject-Dn": "CN=chat-ann,O=Harbour", "Ssl-Client-Issuer-Dn": "CN=Harbour", "Ssl-Client-Cert": "",
		} {
			if got := strings.Join(told.Values(name), "|"); got != want {
				w.t.Errorf("the endpoint was told %s: %q, want %q", name, got, want)
			}
		}
		w.showing(ann).wantPage(200, "", "https://chat.example.com/page")
		w.wantRefused(400, "CertRequired", secure)
		w.showing(eve).wantRefused(400, "CertRequired", secure)
		w.wantPage(400, "CertRequired", "https://chat.example.com/page")
		w.wantRefused(400, "CertRequired", echo, "Ssl-Client-Verify: SUCCESS") // in the clear nobody shows anything
		w.wantPage(400, "CertRequired", "chat.example.com/page")

		serve("auth-tls-match-cn: CN=chat-.*", "auth-tls-pass-certificate-to-upstream: true", "auth-tls-error-page: https://example.com/help")
		w.showing(ann).open(secure)
		passed, err := url.QueryUnescape(w.pod("a").last(w.t).Header.Get("Ssl-Client-Cert"))
		if err != nil || passed != certPEM(ann.Certificate[0]) {
			w.t.Errorf("the endpoint got %q, %v", passed, err)
		}
		w.showing(bob).wantRefused(403, "CertRefused", secure)
		w.wantRedirect(302, "https://example.com/help", "https://chat.example.com/page")
		w.wantRefused(400, "CertRequired", secure)

		serve("auth-tls-verify-client: optional")
		w.open(secure)
		if got := w.pod("a").last(w.t).Header.Get("Ssl-Client-Verify"); got != "NONE" {
			w.t.Errorf("of nobody's certificate: %q", got)
		}
		w.showing(ann).open(secure)
		w.showing(eve).wantRefused(400, "CertRequired", secure)

		serve("auth-tls-verify-client: optional_no_ca")
		w.showing(eve).open(secure)
		if got := w.pod("a").last(w.t).Header.Get("Ssl-Client-Verify"); !strings.HasPrefix(got, "FAILED:") {
			w.t.Errorf("of a stranger's certificate: %q", got)
		}

		serve("auth-tls-verify-client: off")
		w.open(secure, "Ssl-Client-Verify: SUCCESS")
		if got := w.pod("a").last(w.t).Header.Get("Ssl-Client-Verify"); got != "" {
			w.t.Errorf("nobody asked: %q", got)
		}

		// The authorities change under an open socket.
		w.apply("chat", fixed[0], fixed[1], secretOf("client-ca", "ca.crt", theirs.pem()), ingressFor(overTLS(object{}), "auth-tls-secret: default/client-ca"))
		w.showing(ann).wantRefused(400, "CertRequired", secure)
		w.showing(eve).open(secure)
		s.echoes()
	})
}

func TestChainsOfClientsAreAsLongAsTheyMayBe(t *testing.T) {
	story(t, func(w *world) {
		root := newCA(w.t, "Root")
		deep := root.below("Region").below("Harbour").issue("ann")
		near := root.issue("bob")
		fixed := []string{w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com"), secretOf("client-ca", "ca.crt", root.pem())}
		w.apply("chat", append(fixed, ingressFor(overTLS(object{}), "auth-tls-secret: default/client-ca"))...)
		w.showing(near).open(secure)
		w.showing(deep).wantRefused(400, "CertRequired", secure)
		w.apply("chat", append(fixed, ingressFor(overTLS(object{}), "auth-tls-secret: default/client-ca", "auth-tls-verify-depth: 3"))...)
		w.showing(deep).open(secure)
	})
}

func TestWithoutAuthoritiesTheDoorIsClosed(t *testing.T) {
	story(t, func(w *world) {
		ours := newCA(w.t, "Harbour")
		ann := ours.issue("ann")
		chat, asking := w.service("chat", "a"), ingressFor(overTLS(object{}), "auth-tls-secret: default/client-ca")
		served := secret(w.t, "chat-tls", "x", "chat.example.com")
		w.apply("chat", chat, served, asking)
		w.showing(ann).wantRefused(503, "Sealed", secure)
		w.toldThat("InvalidRef", "auth-tls-secret", "client-ca")
		w.apply("chat", chat, served, asking, secretOf("client-ca", "tls.crt", ours.pem()))
		w.showing(ann).wantRefused(503, "Sealed", secure)
		w.toldThat("there is no key ca.crt")
		w.apply("chat", chat, served, asking, secretOf("client-ca", "ca.crt", ours.pem()))
		w.showing(ann).open(secure)
	})
}

func TestOneHostAsksOfAllItsPathsWhatOneOfThemWants(t *testing.T) {
	story(t, func(w *world) {
		ours := newCA(w.t, "Harbour")
		ann := ours.issue("ann")
		w.apply("chat", w.service("chat", "a"), secret(w.t, "chat-tls", "x", "chat.example.com"), secretOf("client-ca", "ca.crt", ours.pem()),
			ingressFor(overTLS(object{}), "auth-tls-secret: default/client-ca"),
			ingressFor(overTLS(object{name: "other", paths: []string{"/other"}})))
		w.showing(ann).open(secure)
		w.showing(ann).open("https://chat.example.com/other/socket?mode=echo")
		w.wantRefused(400, "CertRequired", "https://chat.example.com/other/socket?mode=echo")
		w.toldThat("Ingress default/other", "asks for client certificates on all of its paths, because Ingress default/chat")
	})
}
