package feature

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fairlead/fairlead/controllers/translate"
)

// authServer is an authentication service that a story writes.
type authServer struct {
	*httptest.Server
	pod
}

// authService starts a service that answers so.
func (w *world) authService(answer http.HandlerFunc) *authServer {
	a := new(authServer)
	a.answers(answer)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.before(w, r) }))
	w.t.Cleanup(func() { a.CloseClientConnections(); a.Server.Close() })
	return a
}

func TestAServiceIsAskedWhoMayComeIn(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("X-Auth-User", "ann")
			rw.Header().Set("X-Auth-Secret", "for the proxy alone")
			rw.Header().Set("WWW-Authenticate", `Bearer realm="harbour"`)
			switch r.Header.Get("Authorization") {
			case "Bearer good":
				rw.WriteHeader(http.StatusAccepted)
			case "Bearer bad":
				rw.WriteHeader(http.StatusForbidden)
			case "Bearer broken":
				rw.WriteHeader(http.StatusBadGateway)
			case "Bearer elsewhere":
				http.Redirect(rw, r, "/login", http.StatusFound)
			default:
				rw.WriteHeader(http.StatusUnauthorized)
			}
		})
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "auth-url: "+service.URL+"/check?uri=$escaped_request_uri",
			"auth-response-headers: X-Auth-User, X-Auth-Groups"))
		w.open(echo+"&a=b", "Authorization: Bearer good", "X-Auth-User: eve", "X-Auth-Groups: admins", "X-Own: mine", "Origin: https://app.example.org")

		asked := service.last(w.t)
		if asked.Method != http.MethodGet || asked.URL.Path != "/check" || asked.URL.Query().Get("uri") != "/socket?mode=echo&a=b" {
			w.t.Errorf("asked %s %s", asked.Method, asked.URL)
		}
		for name, want := range map[string]string{
			"X-Original-Url": "http://chat.example.com/socket?mode=echo&a=b", "X-Original-Method": "GET", "X-Real-Ip": "127.0.0.1",
			"X-Forwarded-For": "127.0.0.1", "X-Auth-Request-Redirect": "/socket?mode=echo&a=b", "X-Sent-From": "fairlead",
			"X-Own": "mine", "Authorization": "Bearer good", "Origin": "https://app.example.org",
			"Upgrade": "", "Connection": "", "Sec-Websocket-Key": "", "Sec-Websocket-Version": "",
		} {
			if got := asked.Header.Get(name); got != want {
				w.t.Errorf("the service was told %s: %q, want %q", name, got, want)
			}
		}
		told := w.pod("a").last(w.t).Header
		if told.Get("X-Auth-User") != "ann" || told.Get("X-Auth-Groups") != "" || told.Get("X-Auth-Secret") != "" {
			w.t.Errorf("the endpoint was told %v", told)
		}
		w.wantPage(200, "", "chat.example.com/page", "Authorization: Bearer good")
		w.somebody().ask(http.MethodPost, "chat.example.com/page", strings.NewReader("content"), "Authorization: Bearer good")
		if asked := service.last(w.t); asked.Method != http.MethodGet || asked.ContentLength != 0 || asked.Header.Get("X-Original-Method") != "POST" {
			w.t.Errorf("of a POST the service was told %s with %d bytes, %v", asked.Method, asked.ContentLength, asked.Header)
		}

		w.pod("a").forget()
		got := w.wantRefused(401, "AuthRefused", echo)
		if want := `Bearer realm="harbour"`; got.Header.Get("WWW-Authenticate") != want {
			w.t.Errorf("challenged with %q", got.Header.Get("WWW-Authenticate"))
		}
		w.wantRefused(403, "AuthRefused", echo, "Authorization: Bearer bad")
		w.wantRefused(500, "AuthFailed", echo, "Authorization: Bearer broken")
		w.wantRefused(500, "AuthFailed", echo, "Authorization: Bearer elsewhere")
		w.wantPage(401, "AuthRefused", "chat.example.com/page")
		w.wantPage(403, "AuthRefused", "chat.example.com/page", "Authorization: Bearer bad")
		if n := w.pod("a").asked(); n != 0 {
			w.t.Errorf("the endpoint was asked %d times", n)
		}
	})
}

func TestAServiceThatIsSilentLetsNobodyIn(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "auth-url: "+service.URL, "fairlead.dev/external-auth-timeout: 100ms"))
		w.wantRefused(500, "AuthFailed", echo)
		w.wantPage(500, "AuthFailed", "chat.example.com/page")
	})
}

func TestPagesAreSentToSignInAndSocketsAreNot(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusUnauthorized) })
		chat := w.service("chat", "a")
		w.apply("chat", chat, ingressFor(object{}, "auth-url: "+service.URL, "auth-signin: https://login.example.com/start?app=chat"))
		w.wantRedirect(302, "https://login.example.com/start?app=chat&rd="+url.QueryEscape("http://chat.example.com/page?a=b"), "chat.example.com/page?a=b")
		w.wantRefused(401, "AuthRefused", echo)

		w.apply("chat", chat, ingressFor(object{}, "auth-url: "+service.URL, "auth-signin: https://$host/login", "auth-signin-redirect-param: back",
			"auth-request-redirect: https://$host$request_uri", "auth-method: HEAD"))
		w.wantRedirect(302, "https://chat.example.com/login?back="+url.QueryEscape("http://chat.example.com/page"), "chat.example.com/page")
		if asked := service.last(w.t); asked.Method != http.MethodHead || asked.Header.Get("X-Auth-Request-Redirect") != "https://chat.example.com/page" {
			w.t.Errorf("asked %s %v", asked.Method, asked.Header)
		}
		service.status(http.StatusForbidden) // that is no matter of signing in
		w.wantPage(403, "AuthRefused", "chat.example.com/page")
	})
}

func TestAServiceIsNotAskedTwiceForOneKey(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer good" {
				rw.Header().Set("X-Auth-User", "ann")
				rw.WriteHeader(http.StatusOK)
				return
			}
			rw.WriteHeader(http.StatusUnauthorized)
		})
		asking := ingressFor(object{}, "auth-url: "+service.URL, "auth-cache-key: $http_authorization", "auth-response-headers: X-Auth-User")
		w.apply("chat", w.service("chat", "a"), asking)
		for range 3 {
			w.open(echo, "Authorization: Bearer good")
			w.wantRefused(401, "AuthRefused", echo, "Authorization: Bearer bad")
		}
		w.apply("chat", w.service("chat", "a", "b"), asking) // more endpoints are no reason to ask again
		w.open(echo, "Authorization: Bearer good")
		if n := service.asked(); n != 2 {
			w.t.Errorf("asked %d times, want once for each key", n)
		}
		for _, p := range w.pods {
			if p.asked() > 0 && p.last(w.t).Header.Get("X-Auth-User") != "ann" {
				w.t.Error("what the service said was forgotten")
			}
		}
		service.forget()
		for range 2 {
			w.wantRefused(401, "AuthRefused", echo) // without the key's value nothing is remembered
		}
		if n := service.asked(); n != 2 {
			w.t.Errorf("without a key asked %d times", n)
		}

		service.forget()
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "auth-url: "+service.URL, "auth-cache-key: $http_authorization", "auth-cache-duration: 200 5m"))
		for range 2 {
			w.open(echo, "Authorization: Bearer good")
			w.wantRefused(401, "AuthRefused", echo, "Authorization: Bearer bad")
		}
		if n := service.asked(); n != 3 {
			w.t.Errorf("only good answers are remembered, and it was asked %d times", n)
		}
	})
}

func TestCookiesOfTheServiceReachTheClient(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Set-Cookie", "session=renewed")
			rw.WriteHeader(http.StatusOK)
		})
		chat := w.service("chat", "a")
		cookie := func(got *http.Response) string { return got.Header.Get("Set-Cookie") }
		for always, want := range map[string]string{"false": "", "true": "session=renewed"} {
			w.apply("chat", chat, ingressFor(object{}, "auth-url: "+service.URL, "auth-always-set-cookie: "+always))
			if got := cookie(w.open(echo).answer); got != "session=renewed" {
				w.t.Errorf("with a socket: %q", got)
			}
			w.pod("a").status(http.StatusInternalServerError)
			if got := cookie(w.wantPage(500, "", "chat.example.com/page").Response); got != want {
				w.t.Errorf("always %s, with an error: %q", always, got)
			}
			w.pod("a").answers(nil)
			w.clear("chat")
		}
	})
}

func TestHeadersOfAConfigMapGoToTheService(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) })
		chat, asking := w.service("chat", "a"), ingressFor(object{}, "auth-url: "+service.URL, "auth-proxy-set-headers: default/headers")
		w.apply("chat", chat, asking)
		w.wantRefused(503, "Sealed", echo)
		w.toldThat("InvalidRef", "auth-proxy-set-headers")
		w.apply("chat", chat, asking, configMapOf("headers", "X-App", "chat", "X-Uri", "$request_uri"))
		w.open(echo)
		if asked := service.last(w.t); asked.Header.Get("X-App") != "chat" || asked.Header.Get("X-Uri") != "/socket?mode=echo" {
			w.t.Errorf("told %v", asked.Header)
		}
	})
}

func TestTheServiceOfAClassIsForAllWhoDoNotSayNo(t *testing.T) {
	story(t, func(w *world) {
		var open atomic.Bool
		service := w.authService(func(rw http.ResponseWriter, _ *http.Request) {
			if !open.Load() {
				rw.WriteHeader(http.StatusForbidden)
			}
		})
		own := w.authService(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
		w.write("class", classWith("defaults"))
		w.apply("chat", configMapOf("defaults", "global-auth-url", service.URL), w.service("chat", "a"), ingressFor(object{}),
			ingressFor(object{name: "free", host: "free.example.com"}, "enable-global-auth: false"),
			ingressFor(object{name: "own", host: "own.example.com"}, "auth-url: "+own.URL))
		w.until("the class has its parameters", func() bool {
			conn, _, err := w.somebody().dial(echo)
			if err == nil {
				_ = conn.Close()
			}
			return err != nil
		})
		w.wantRefused(403, "AuthRefused", echo)
		w.open("free.example.com/socket?mode=echo")
		w.open("own.example.com/socket?mode=echo")
		open.Store(true)
		w.open(echo)
	})
}

// classWith returns our IngressClass with a ConfigMap as its parameters.
func classWith(configMap string) string {
	return `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec:
  controller: ` + translate.DefaultControllerName + `
  parameters: {kind: ConfigMap, name: ` + configMap + `, namespace: default, scope: Namespace}`
}

func TestPasswordOrServiceIsEnoughWhereAnySatisfies(t *testing.T) {
	story(t, func(w *world) {
		service := w.authService(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "session=good" {
				rw.WriteHeader(http.StatusUnauthorized)
			}
		})
		w.apply("chat", w.service("chat", "a"), secretOf("users", "auth", sha("ann", "secret")),
			ingressFor(object{}, "auth-url: "+service.URL, "auth-type: basic", "auth-secret: users", "satisfy: any"))
		w.open(echo, "Cookie: session=good")
		w.open(echo, knowing("ann", "secret"))
		w.wantRefused(401, "Unauthorized", echo)
	})
}

func TestCertificateAuthoritiesNeedNoPassword(t *testing.T) {
	story(t, func(w *world) {
		const challenge = "chat.example.com/.well-known/acme-challenge/token"
		solver := object{name: "solver", service: "solver", paths: []string{"/.well-known/acme-challenge/token"}, pathType: "Exact"}
		guards := []string{"auth-type: basic", "auth-secret: users", "force-ssl-redirect: true"}
		w.apply("chat", w.service("chat", "a"), w.service("solver", "s"), secretOf("users", "auth", sha("ann", "secret")),
			ingressFor(object{}, guards...), ingressFor(solver, guards...))
		if got := w.wantPage(200, "", challenge); got.Header.Get("Chat-Pod") != "s" {
			w.t.Errorf("answered by %q", got.Header.Get("Chat-Pod"))
		}
		w.wantRedirect(308, "https://chat.example.com/page", "chat.example.com/page")
	})
}

// sayYesTo lets in who sends a header with that value.
func sayYesTo(name, value string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get(name) != value {
			rw.WriteHeader(http.StatusUnauthorized)
		}
	}
}
