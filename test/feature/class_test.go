package feature

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// classNamed returns an IngressClass.
func classNamed(name, controller, annotations string) string {
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: %s, annotations: {%s}}
spec: {controller: %s}`, name, annotations, controller)
}

const (
	controllerName = "fairlead.dev/ingress-controller"
	isDefault      = `ingressclass.kubernetes.io/is-default-class: "true"`
)

// of gives an Ingress another class: "" is none.
func of(class, ingress string) string {
	if class == "" {
		return strings.Replace(ingress, "  ingressClassName: fairlead\n", "", 1)
	}
	return strings.Replace(ingress, "ingressClassName: fairlead", "ingressClassName: "+class, 1)
}

func TestWhoseAnIngressIs(t *testing.T) {
	hosted := func(host string, annotations ...string) string {
		return ingressFor(object{name: host, host: host + ".example.com"}, annotations...)
	}
	objects := func(w *world) []string {
		return []string{
			w.service("chat", "a"), classNamed("nginx", "k8s.io/ingress-nginx", ""),
			of("fairlead", hosted("named")), of("", hosted("legacy", "kubernetes.io/ingress.class: fairlead")),
			of("", hosted("none")), of("nginx", hosted("other")), of("nobody", hosted("nobody")),
			of("", hosted("old", "kubernetes.io/ingress.class: nginx")), of("", hosted("custom", "kubernetes.io/ingress.class: custom")),
			// The field counts more than the annotation.
			of("fairlead", hosted("both", "kubernetes.io/ingress.class: nginx")), of("nginx", hosted("both-other", "kubernetes.io/ingress.class: fairlead")),
		}
	}
	serves := func(w *world, ours ...string) {
		w.t.Helper()
		for _, host := range []string{"named", "legacy", "none", "other", "nobody", "old", "custom", "both", "both-other"} {
			want := 404
			for _, our := range ours {
				if our == host {
					want = 200
				}
			}
			w.wantPage(want, "", host+".example.com/")
		}
	}
	t.Run("by name", func(t *testing.T) {
		story(t, func(w *world) {
			w.apply("chat", objects(w)...)
			serves(w, "named", "legacy", "both")
			w.open("named.example.com/socket?mode=echo")
			w.apply("chat", append(objects(w), classNamed("ours", controllerName, isDefault))...)
			serves(w, "named", "legacy", "both", "none")
		})
	})
	t.Run("without class", func(t *testing.T) {
		story(t, func(w *world) {
			w.apply("chat", objects(w)...)
			serves(w, "named", "legacy", "both", "none")
		}, func(s *settings) { s.controller.Translate.WithoutClass = true })
	})
	t.Run("a class without object", func(t *testing.T) {
		story(t, func(w *world) {
			w.apply("chat", objects(w)...)
			serves(w, "named", "legacy", "both", "custom")
		}, func(s *settings) { s.controller.Translate.ClassName = "custom" })
	})
	t.Run("somebody else's default", func(t *testing.T) {
		story(t, func(w *world) {
			w.apply("chat", append(objects(w), classNamed("theirs", "example.com/other", isDefault))...)
			serves(w, "named", "legacy", "both")
		})
	})
}

func TestParametersOfAClassAreDefaults(t *testing.T) {
	story(t, func(w *world) {
		w.write("class", classWith("defaults"))
		defaults := configMapOf("defaults", "proxy-read-timeout", "1", "limit-connections", "2", "proxy-body-size", "1k",
			"whitelist-source-range", "127.0.0.0/29", "worker-shutdown-timeout", "240s", "use-gzip", "true", "canary", "true", "no-such", "x")
		w.apply("chat", defaults, w.service("chat", "a"), ingressFor(object{}),
			ingressFor(object{name: "own", host: "own.example.com"}, "proxy-read-timeout: 3600", "limit-connections: 0", "proxy-body-size: 0", "whitelist-source-range: 127.0.0.8/32"))
		w.until("the class has its parameters", func() bool {
			return w.from("127.0.0.9").get("chat.example.com/page").StatusCode == 403
		})
		first := w.open(echo)
		w.open(echo).leaves()
		w.wantRefused(503, "TooManySessions", echo)
		big := bytes.NewReader(make([]byte, 2048))
		if got := w.from("127.0.0.2").ask(http.MethodPost, "chat.example.com/page", big); got.StatusCode != 413 {
			w.t.Errorf("2 KiB: %d", got.StatusCode)
		}
		own := w.from("127.0.0.8") // its own list is in place of the other
		w.from("127.0.0.1").wantRefused(403, "SourceRefused", "own.example.com/socket?mode=echo")
		kept := own.open("own.example.com/socket?mode=echo")
		for range 3 {
			own.open("own.example.com/socket?mode=echo")
		}
		if code := first.code(); code != 1001 {
			w.t.Errorf("after a second of silence the socket ended with %d", code)
		}
		kept.echoes()
	})
}

func TestTheDefaultsOfIngressNginxCanBeHad(t *testing.T) {
	story(t, func(w *world) {
		w.pod("a").answers(func(_ http.ResponseWriter, r *http.Request) { _, _ = bytes.NewBuffer(nil).ReadFrom(r.Body) })
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}), ingressFor(object{name: "own", host: "own.example.com"}, "proxy-body-size: 2m"))
		post := func(host string, size int) int {
			return w.somebody().ask(http.MethodPost, host+"/page", bytes.NewReader(make([]byte, size))).StatusCode
		}
		if at, above := post("chat.example.com", 1<<20), post("chat.example.com", 1<<20+1); at != 200 || above != 413 {
			w.t.Errorf("1 MiB: %d, and a byte more: %d", at, above)
		}
		if got := post("own.example.com", 2<<20); got != 200 {
			w.t.Errorf("with a bound of its own: %d", got)
		}

		// And nobody is called by name.
		pod := w.securePod("b", newCA(w.t, "Harbour").issue("b", "b"))
		w.apply("tls", serviceOf("tls", ""), endpointSlice("tls", "1", pod.at(), ""),
			ingressFor(object{name: "tls", service: "tls", host: "tls.example.com"}, "backend-protocol: HTTPS"))
		w.open("tls.example.com/socket?mode=echo")
		if got := pod.hello.Load().ServerName; got != "" {
			w.t.Errorf("the pod was called %q", got)
		}
	}, func(s *settings) { s.controller.Translate.NginxDefaults = true })
}

func TestUnitsAreUnderstoodAndTold(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "proxy-read-timeout: 1s", "proxy-send-timeout: soon", "proxy-connect-timeout: 2"))
		w.toldThat("proxy-read-timeout", "1s")
		w.toldThat("InvalidAnnotation", "proxy-send-timeout", "soon")
		if code := w.open(echo).code(); code != 1001 {
			w.t.Errorf("after a second of silence the socket ended with %d", code)
		}
	})
}

func TestWhatOneOfUsSaysCountsMoreThanWhatNginxWasTold(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "proxy-read-timeout: 3600", "fairlead.dev/idle-timeout: 200ms"))
		w.toldThat("AnnotationClash", "idle-timeout")
		if code := w.open(echo).code(); code != 1001 {
			w.t.Errorf("the socket ended with %d", code)
		}
	})
}

func TestWhatWasAndNeverWasIsNamed(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "enable-websockets: true", "websocket-services: chat", "session-cookie-hash: sha1",
			"use-forwarded-headers: true", "nginx.org/websocket-services: chat", "nginx.org/proxy-read-timeout: 1h", "mirror-target: http://mirror",
			"ssl-passthrough: true", "enable-modsecurity: true", "configuration-snippet: |\n  proxy_set_header Upgrade $http_upgrade;\n  deny all;",
			"load-balance: ewma", "enable-opentelemetry: true", "fairlead.dev/idel-timeout: 1h"))
		for _, name := range []string{"enable-websockets", "websocket-services", "session-cookie-hash", "use-forwarded-headers", "nginx.org/websocket-services",
			"nginx.org/proxy-read-timeout", "mirror-target", "ssl-passthrough", "enable-modsecurity", "configuration-snippet", "load-balance", "enable-opentelemetry"} {
			w.toldThat("UnsupportedAnnotation", name)
		}
		w.toldThat("UnknownAnnotation", "fairlead.dev/idel-timeout", "fairlead.dev/idle-timeout")
		w.open(echo) // all the same
	})
}
