package feature

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"k8s.io/apimachinery/pkg/types"
)

func TestAnswersGetHeadersOfAConfigMap(t *testing.T) {
	story(t, func(w *world) {
		service, asking := w.service("chat", "a"), ingressFor(object{}, "custom-headers: default/more")
		w.apply("chat", service, asking, configMapOf("more", "X-Frame-Options", "DENY", "X-Secret", "not allowed", "Chat-Pod", "hidden"))
		for what, got := range map[string]http.Header{
			"socket": w.open(echo).answer.Header, "page": w.wantPage(200, "", "chat.example.com/page").Header,
		} {
			if got.Get("X-Frame-Options") != "DENY" || got.Get("X-Secret") != "" || strings.Join(got["Chat-Pod"], ",") != "hidden" {
				w.t.Errorf("%s: %v", what, got)
			}
		}
		w.toldThat("custom-headers", "X-Secret", "--allowed-response-headers")
		w.apply("chat", service, asking)
		if got := w.open(echo).answer.Header.Get("X-Frame-Options"); got != "" {
			w.t.Errorf("the ConfigMap is gone: %q", got)
		}
		w.toldThat("InvalidRef", "custom-headers", "more")
	}, func(s *settings) { s.controller.Translate.ResponseHeaders = []string{"X-Frame-Options", "Chat-Pod"} })
}

func TestTheDefaultBackendAnswersWhileNobodyElseCan(t *testing.T) {
	story(t, func(w *world) {
		asking, sorry := ingressFor(object{}, "default-backend: sorry"), w.service("sorry", "s")
		w.apply("chat", w.service("chat", "-a"), sorry, asking)
		w.wantAll("s", echo)
		if got := w.wantPage(200, "", "chat.example.com/page").Header.Get("Chat-Pod"); got != "s" {
			w.t.Errorf("the page is from %q", got)
		}
		w.apply("chat", w.service("chat", "a"), sorry, asking)
		w.wantAll("a", echo)
		w.dropSockets()
		w.pod("a").Kill() // it has endpoints, and they fail: that is another matter
		w.wantRefused(502, "ConnectFailed", echo)
		w.apply("chat", sorry, asking)
		w.wantAll("s", echo)
	})
}

func TestErrorsAreAnsweredByTheDefaultBackend(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), w.service("sorry", "s"), ingressFor(object{}, "default-backend: sorry", "custom-http-errors: 404,503"))
		w.pod("s").answers(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(rw, "sorry for %s", r.Header.Get("X-Code"))
		})
		w.pod("a").status(503)
		got := w.wantPage(503, "", "chat.example.com/page?a=b", "Accept: text/html")
		if got.body != "sorry for 503" {
			w.t.Errorf("the page says %q", got.body)
		}
		told := w.pod("s").last(w.t)
		for name, want := range map[string]string{
			"X-Code": "503", "X-Format": "text/html", "X-Original-Uri": "/page?a=b", "X-Namespace": "default",
			"X-Ingress-Name": "chat", "X-Service-Name": "chat", "X-Service-Port": "ws",
		} {
			if got := told.Header.Get(name); got != want {
				w.t.Errorf("told %s: %q, want %q", name, got, want)
			}
		}
		if got := w.somebody().refused(echo); got.StatusCode != 503 || got.body != "sorry for 503" {
			w.t.Errorf("a socket: %d %q", got.StatusCode, got.body)
		}
		w.pod("a").status(500)
		if got := w.wantPage(500, "", "chat.example.com/page"); got.body != "so says the pod\n" {
			w.t.Errorf("another error: %q", got.body)
		}
		w.pod("a").answers(nil)
		w.open(echo).leaves()

		// What Fairlead says by itself stays.
		w.pod("a").Kill()
		w.apply("chat", w.service("chat", "a"), w.service("sorry", "s"), ingressFor(object{}, "default-backend: sorry", "custom-http-errors: 403,502"))
		w.wantPage(502, "ConnectFailed", "chat.example.com/page")
		w.apply("chat", w.service("chat", "a"), w.service("sorry", "s"), ingressFor(object{}, "default-backend: sorry", "custom-http-errors: 403,502", "denylist-source-range: 127.0.0.0/8"))
		w.wantPage(403, "SourceRefused", "chat.example.com/page")
	})
}

func TestErrorsAreAnsweredByTheControllersDefaultBackend(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), strings.Replace(w.service("sorry", "s"), "{name: sorry", "{namespace: default, name: sorry", 1),
			ingressFor(object{}, "custom-http-errors: 500"))
		w.pod("a").status(500)
		if got := w.wantPage(500, "", "chat.example.com/page"); got.Header.Get("Chat-Pod") != "s" {
			w.t.Errorf("answered by %q", got.Header.Get("Chat-Pod"))
		}
		if got := w.wantPage(200, "", "nobody.example.com/page"); got.Header.Get("Chat-Pod") != "s" {
			w.t.Errorf("what nobody serves is answered by %q", got.Header.Get("Chat-Pod"))
		}
	}, func(s *settings) {
		s.controller.Translate.DefaultBackend = types.NamespacedName{Namespace: "default", Name: "sorry"}
	})
}

func TestTheAddressOfTheServiceIsTakenInsteadOfItsPods(t *testing.T) {
	story(t, func(w *world) {
		at := w.pod("behind").Address()
		service := serviceOf("chat", fmt.Sprintf("clusterIP: %s, ports: [{name: ws, port: %d}]", at.IP, at.Port))
		w.apply("chat", service, endpointSlice("chat", "1", w.pod("direct").Address(), ""), ingressFor(object{}, "service-upstream: true", "affinity: cookie"))
		w.wantAll("behind", echo)
		w.toldThat("service-upstream", "a sticky cookie binds nobody")
		w.apply("chat", service, endpointSlice("chat", "1", w.pod("direct").Address(), ""), ingressFor(object{}))
		w.wantAll("direct", echo)
	})
}

func TestBodiesAreBoundedAndMessagesAreNot(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a")
		post := func(content io.Reader) answer {
			return w.somebody().ask(http.MethodPost, "chat.example.com/page", content)
		}
		unsized := func(n int) io.Reader { return io.MultiReader(bytes.NewReader(make([]byte, n))) }
		w.pod("a").answers(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		w.apply("chat", service, ingressFor(object{}, "proxy-body-size: 8k"))
		for _, content := range []io.Reader{bytes.NewReader(make([]byte, 8<<10)), unsized(8 << 10)} {
			if got := post(content); got.StatusCode != 200 {
				w.t.Errorf("8 KiB: %d", got.StatusCode)
			}
		}
		if got := post(bytes.NewReader(make([]byte, 8<<10+1))); got.StatusCode != 413 || got.reason() != "TooLarge" {
			w.t.Errorf("one byte more: %d %s", got.StatusCode, got.body)
		}
		w.pod("a").answers(nil)
		s := w.open(echo)
		if err := s.WriteMessage(websocket.BinaryMessage, make([]byte, 100<<10)); err != nil {
			w.t.Fatal(err)
		}
		if got := s.hear(); len(got) != 100<<10 {
			w.t.Errorf("%d bytes came back", len(got))
		}
		w.pod("a").answers(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		s.leaves()
		for _, none := range []string{"proxy-body-size: 0", "proxy-buffering: on"} {
			w.apply("chat", service, ingressFor(object{}, none))
			if got := post(bytes.NewReader(make([]byte, 2<<20))); got.StatusCode != 200 {
				w.t.Errorf("%s: %d", none, got.StatusCode)
			}
			w.clear("chat")
		}
	})
}

func TestEndpointsAreToldWhoComesAndHow(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}))
		check := func(r *http.Request, want map[string]string) {
			w.t.Helper()
			for name, value := range want {
				if got := strings.Join(r.Header.Values(name), "|"); got != value {
					w.t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		}
		r := w.arrived(echo, "X-Forwarded-For: 203.0.113.1", "X-Real-IP: 203.0.113.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example.com")
		check(r, map[string]string{
			"X-Real-Ip": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "chat.example.com",
		})
		r = w.arrived("https://chat.example.com/socket?mode=echo")
		check(r, map[string]string{"X-Forwarded-Proto": "https"})
		r = func() *http.Request {
			s := w.from("127.0.0.7").open(echo, "X-Forwarded-For: 203.0.113.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: outer.example.com")
			return w.pod(s.pod()).last(w.t)
		}()
		check(r, map[string]string{
			"X-Real-Ip": "203.0.113.1", "X-Forwarded-For": "203.0.113.1, 127.0.0.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "outer.example.com",
		})
	}, trusting("127.0.0.7"))
}
