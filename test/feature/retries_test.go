package feature

import (
	"net/http"
	"strings"
	"testing"
)

// asked is how often pods were asked in all.
func (w *world) asked() (n int) {
	for _, p := range w.pods {
		n += p.asked()
		p.forget()
	}
	return n
}

func TestWhatIsTriedAgainAndHowOften(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c", "d", "e")
		for _, pod := range []string{"a", "b", "c", "d"} {
			w.pod(pod).status(503)
		}
		w.pod("e").status(404)
		serve := func(annotations ...string) {
			w.apply("chat", service, ingressFor(object{}, annotations...))
			w.asked()
		}
		const page = "chat.example.com/page"
		tries := func(want int, method string) {
			w.t.Helper()
			got := w.somebody().ask(method, page, nil)
			if n := w.asked(); n != want {
				w.t.Errorf("%s: %d tries, want %d, then %d", method, n, want, got.StatusCode)
			}
		}
		serve("proxy-next-upstream: error timeout")
		tries(1, http.MethodGet) // an answer is an answer
		serve("proxy-next-upstream: http_503 http_404")
		tries(3, http.MethodGet) // 3 in all, the first included
		tries(1, http.MethodPost)
		w.somebody().refused(echo)
		if n := w.asked(); n != 3 {
			w.t.Errorf("a handshake: %d tries", n)
		}
		serve("proxy-next-upstream: http_503 http_404", "proxy-next-upstream-tries: 2")
		tries(2, http.MethodGet)
		serve("proxy-next-upstream: http_503 http_404", "proxy-next-upstream-tries: 0")
		tries(5, http.MethodGet) // as many as there are
		serve("proxy-next-upstream: http_503 http_404 non_idempotent", "proxy-next-upstream-tries: 0")
		tries(5, http.MethodPost)
		got := w.somebody().ask(http.MethodPost, page, strings.NewReader("content"))
		if n := w.asked(); n != 5 {
			w.t.Errorf("with content: %d tries, then %d", n, got.StatusCode)
		}
		serve("proxy-next-upstream: off")
		tries(1, http.MethodGet)

		// One that is well is found among four that are not.
		w.pod("e").answers(nil)
		serve("proxy-next-upstream: http_503", "proxy-next-upstream-tries: 0")
		w.wantAll("e", echo)
	})
}

func TestPodsThatAreGoneAreTriedOnceOrNot(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c")
		w.pod("a").Kill()
		w.pod("b").Kill()
		w.apply("chat", service, ingressFor(object{}))
		w.wantAll("c", echo)
		w.apply("chat", service, ingressFor(object{}, "proxy-next-upstream: off"))
		reached := 0
		for range 6 {
			conn, answer, err := w.somebody().dial(echo)
			if err == nil {
				w.adopt(conn, answer)
				reached++
			}
		}
		if reached != 2 {
			w.t.Errorf("in turn and without another try %d of 6 came through", reached)
		}
		w.apply("chat", service, ingressFor(object{}, "proxy-next-upstream: http_502"))
		reached = 0
		for range 6 {
			conn, answer, err := w.somebody().dial(echo)
			if err == nil {
				w.adopt(conn, answer)
				reached++
			}
		}
		if reached != 2 {
			w.t.Errorf("error is not among what is tried again, and %d of 6 came through", reached)
		}
	})
}

func TestTriesEndWithTheirTime(t *testing.T) {
	story(t, func(w *world) {
		service := w.service("chat", "a", "b", "c")
		for _, pod := range []string{"a", "b", "c"} {
			w.pod(pod).answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}
		// The endpoint has a second for its answer, and no try begins after one.
		w.apply("chat", service, ingressFor(object{}, "proxy-read-timeout: 1", "proxy-next-upstream-timeout: 1"))
		w.wantRefused(504, "HandshakeTimeout", echo)
		if n := w.asked(); n != 1 {
			w.t.Errorf("%d tries", n)
		}
		w.apply("chat", service, ingressFor(object{}, "proxy-read-timeout: 1", "proxy-next-upstream: timeout", "proxy-next-upstream-tries: 2"))
		w.wantRefused(504, "HandshakeTimeout", echo)
		if n := w.asked(); n != 2 {
			w.t.Errorf("%d tries", n)
		}
		for _, pod := range []string{"a", "b", "c"} {
			w.pod(pod).answers(nil)
		}
		w.open(echo).leaves()
	})
}
