package feature

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestTheDenyListIsAskedBeforeTheAllowList(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		w.apply("chat", service, ingressFor(object{}))
		before := w.from("127.0.0.3").open(echo)
		w.apply("chat", service, ingressFor(object{}, "whitelist-source-range: 127.0.0.0/29,10.0.0.0/8", "denylist-source-range: 127.0.0.3"))
		w.from("127.0.0.2").open(echo)
		w.from("127.0.0.3").wantRefused(403, "SourceRefused", echo)
		w.from("127.0.0.9").wantRefused(403, "SourceRefused", echo)
		w.from("127.0.0.9").wantPage(403, "SourceRefused", "chat.example.com/page")
		w.from("127.0.0.9").wantRefused(403, "SourceRefused", echo, "X-Forwarded-For: 10.1.2.3", "X-Real-IP: 10.1.2.3")
		before.echoes()

		w.apply("chat", service, ingressFor(object{}, "allowlist-source-range: 127.0.0.2"))
		w.from("127.0.0.2").open(echo)
		w.from("127.0.0.4").wantRefused(403, "SourceRefused", echo)

		w.apply("chat", service, ingressFor(object{}, "denylist-source-range: 127.0.0.2/32"))
		w.from("127.0.0.2").wantRefused(403, "SourceRefused", echo)
		w.from("127.0.0.4").open(echo)
	})
}

func TestListsAreAboutWhomATrustedProxyNames(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "whitelist-source-range: 192.0.2.0/24"))
		proxy := w.from("127.0.0.7")
		proxy.open(echo, "X-Forwarded-For: 192.0.2.1")
		proxy.open(echo, "X-Forwarded-For: 203.0.113.1, 192.0.2.1")
		proxy.wantRefused(403, "SourceRefused", echo, "X-Forwarded-For: 192.0.2.1, 203.0.113.1")
		proxy.wantRefused(403, "SourceRefused", echo)
		w.from("127.0.0.1").wantRefused(403, "SourceRefused", echo, "X-Forwarded-For: 192.0.2.1")
	}, trusting("127.0.0.7"))
}

func TestAListThatCannotBeReadClosesTheDoor(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		for _, annotation := range []string{"whitelist-source-range: 10.0.0.0/33", "denylist-source-range: office"} {
			w.apply("chat", service, ingressFor(object{}, annotation))
			w.wantRefused(503, "Sealed", echo)
			name, value, _ := strings.Cut(annotation, ": ")
			w.toldThat("InvalidAnnotation", name, value)
		}
		w.apply("chat", service, ingressFor(object{}, "whitelist-source-range: 127.0.0.1"))
		w.open(echo)
	})
}

// sha returns a line of htpasswd -s.
func sha(user, password string) string {
	sum := sha1.Sum([]byte(password))
	return user + ":" + "{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
}

// knowing returns the header of somebody with a password.
func knowing(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestPagesAndSocketsAskForAPassword(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		file := secretOf("users", "auth", sha("ann", "secret")+"\n# a remark\n")
		asking := []string{"auth-type: basic", "auth-secret: users", "auth-realm: The harbour"}
		w.apply("chat", service, file, ingressFor(object{}, asking...))
		got := w.wantRefused(401, "Unauthorized", echo)
		if want := `Basic realm="The harbour"`; got.Header.Get("WWW-Authenticate") != want {
			w.t.Errorf("asked with %q, want %q", got.Header.Get("WWW-Authenticate"), want)
		}
		w.wantPage(401, "Unauthorized", "chat.example.com/page")
		w.wantRefused(401, "Unauthorized", echo, knowing("ann", "guess"))
		w.wantRefused(401, "Unauthorized", echo, knowing("eve", "secret"))
		w.open(echo, knowing("ann", "secret"))
		w.wantPage(200, "", "chat.example.com/page", knowing("ann", "secret"))

		// Each key of the Secret is a user.
		w.apply("chat", service, secretOf("users", "ann", strings.TrimPrefix(sha("ann", "other"), "ann:"), "joe", strings.TrimPrefix(sha("joe", "x"), "joe:")),
			ingressFor(object{}, append(asking, "auth-secret-type: auth-map")...))
		w.wantRefused(401, "Unauthorized", echo, knowing("ann", "secret")) // it was changed
		w.open(echo, knowing("ann", "other"))
		w.open(echo, knowing("joe", "x"))

		// A hash that is not understood costs its user only.
		w.apply("chat", service, secretOf("users", "auth", "eve:plain\n"+sha("ann", "secret")), ingressFor(object{}, asking...))
		w.open(echo, knowing("ann", "secret"))
		w.wantRefused(401, "Unauthorized", echo, knowing("eve", "plain"))
	})
}

func TestWithoutItsPasswordsTheDoorIsClosed(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		asking := ingressFor(object{}, "auth-type: basic", "auth-secret: users")
		w.apply("chat", service, asking)
		w.wantRefused(503, "Sealed", echo)
		w.wantRefused(503, "Sealed", echo, knowing("ann", "secret"))
		w.wantPage(503, "Sealed", "chat.example.com/page")
		w.toldThat("InvalidRef", "Ingress default/chat", "auth-secret", "users")

		w.apply("chat", service, asking, secretOf("users", "auth", sha("ann", "secret")))
		in := w.open(echo, knowing("ann", "secret"))
		w.apply("chat", service, asking, secretOf("users", "passwords", sha("ann", "secret")))
		w.wantRefused(503, "Sealed", echo, knowing("ann", "secret"))
		w.toldThat("there is no key auth")
		in.echoes()

		w.apply("chat", service, ingressFor(object{}, "auth-type: digest", "auth-secret: users"), secretOf("users", "auth", sha("ann", "secret")))
		w.wantRefused(503, "Sealed", echo, knowing("ann", "secret"))
		w.toldThat("auth-type", "digest")
	})
}

func TestOneWayInIsEnoughWhereAnySatisfies(t *testing.T) {
	story(t, func(w *world) {
		service, users := w.service("chat", "a"), secretOf("users", "auth", sha("ann", "secret"))
		guards := []string{"auth-type: basic", "auth-secret: users", "whitelist-source-range: 127.0.0.9"}
		for _, all := range [][]string{nil, {"satisfy: all"}} {
			w.apply("chat", service, users, ingressFor(object{}, append(all, guards...)...))
			w.from("127.0.0.9").wantRefused(401, "Unauthorized", echo)
			w.from("127.0.0.1").wantRefused(403, "SourceRefused", echo, knowing("ann", "secret"))
			w.from("127.0.0.9").open(echo, knowing("ann", "secret"))
			w.clear("chat")
		}
		w.apply("chat", service, users, ingressFor(object{}, append(guards, "satisfy: any")...))
		w.from("127.0.0.9").open(echo)
		w.from("127.0.0.1").open(echo, knowing("ann", "secret"))
		w.from("127.0.0.1").wantRefused(401, "Unauthorized", echo)
		w.from("127.0.0.1").wantRefused(401, "Unauthorized", echo, knowing("ann", "guess"))
	})
}

func TestForeignPagesAreAnsweredAndOpenSocketsUnlessRefused(t *testing.T) {
	const page = "chat.example.com/page"
	story(t, func(w *world) {
		service := w.service("chat", "a")
		w.apply("chat", service, ingressFor(object{}, "enable-cors: true"))
		asked := w.somebody().ask(http.MethodOptions, page, nil, "Origin: https://app.example.org", "Access-Control-Request-Method: PUT")
		if asked.StatusCode != 204 {
			w.t.Errorf("asked before a request: %d", asked.StatusCode)
		}
		if w.pod("a").asked() != 0 {
			w.t.Error("the pod was bothered")
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":      "*",
			"Access-Control-Allow-Methods":     "GET, PUT, POST, DELETE, PATCH, OPTIONS",
			"Access-Control-Allow-Headers":     "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Max-Age":           "1728000",
			"Access-Control-Expose-Headers":    "",
		} {
			if got := asked.Header.Get(name); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
				w.t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := w.wantPage(200, "", page, "Origin: https://app.example.org").Header.Get("Access-Control-Allow-Origin"); got != "*" {
			w.t.Errorf("on a page: %q", got)
		}

		w.apply("chat", service, ingressFor(object{}, "enable-cors: true", "cors-allow-origin: https://*.example.org, https://one.example.com:8443",
			"cors-allow-methods: GET", "cors-allow-headers: X-Own", "cors-expose-headers: X-Told", "cors-allow-credentials: false", "cors-max-age: 60"))
		for origin, allowed := range map[string]bool{
			"https://app.example.org": true, "https://one.example.com:8443": true,
			"https://one.example.com": false, "http://app.example.org": false, "https://a.b.example.org": false, "https://example.org": false,
		} {
			want := ""
			if allowed {
				want = origin
			}
			got := w.wantPage(200, "", page, "Origin: "+origin)
			if got.Header.Get("Access-Control-Allow-Origin") != want {
				w.t.Errorf("a page for %s: %q", origin, got.Header)
			}
			if allowed && (got.Header.Get("Access-Control-Expose-Headers") != "X-Told" || got.Header.Get("Access-Control-Allow-Credentials") != "") {
				w.t.Errorf("a page for %s: %q", origin, got.Header)
			}
			w.open(echo, "Origin: "+origin) // CORS never kept a page from opening a socket
		}
		asked = w.somebody().ask(http.MethodOptions, page, nil, "Origin: https://app.example.org", "Access-Control-Request-Method: GET")
		if asked.StatusCode != 204 || asked.Header.Get("Access-Control-Allow-Methods") != "GET" ||
			asked.Header.Get("Access-Control-Allow-Headers") != "X-Own" || asked.Header.Get("Access-Control-Max-Age") != "60" {
			w.t.Errorf("asked before a request: %d %q", asked.StatusCode, asked.Header)
		}
		w.toldThat("cors-allow-origin", "fairlead.dev/origins")

		w.apply("chat", service, ingressFor(object{}, "fairlead.dev/origins: https://*.example.org"))
		w.open(echo, "Origin: https://app.example.org")
		w.open(echo) // no browser
		w.wantRefused(403, "OriginRefused", echo, "Origin: https://evil.example.com")
		w.wantRefused(403, "OriginRefused", echo, "Origin: https://example.org")
		w.wantPage(200, "", page, "Origin: https://evil.example.com")
	})
}
