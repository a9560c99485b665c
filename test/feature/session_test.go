package feature

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// journal is a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(part string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), part)
}

func TestSessionsAreLoggedUnlessTheIngressSaysOtherwise(t *testing.T) {
	logs := make(chan *journal, 2)
	story(t, func(w *world) {
		log := <-logs
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}), ingressFor(object{name: "quiet", host: "quiet.example.com"}, "enable-access-log: false"))
		w.open(echo).hangUp()
		w.open("quiet.example.com/socket?mode=echo").hangUp()
		w.until("the session is logged", func() bool { return log.count("ingress/default/chat") > 0 })
		if n := log.count("ingress/default/quiet"); n > 0 {
			w.t.Errorf("%d lines about the quiet one:\n%s", n, log.text.String())
		}
	}, func(s *settings) {
		log := new(journal)
		s.proxy.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		logs <- log
	})
}

func TestAPodThatReadsNothingIsGivenUp(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "proxy-send-timeout: 1"))
		silent := w.open(echo) // whoever has nothing to send is not stalled
		w.pod("a").answers(func(rw http.ResponseWriter, r *http.Request) {
			conn, err := new(websocket.Upgrader).Upgrade(rw, r, nil)
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_ = conn.WriteMessage(websocket.TextMessage, []byte("hello, and I shall not listen"))
			<-w.t.Context().Done()
		})
		s := w.open(echo).leaves()
		w.pod("a").answers(nil)
		begun := time.Now()
		go func() {
			for s.WriteMessage(websocket.BinaryMessage, make([]byte, 1<<20)) == nil {
			}
		}()
		if code := s.code(); code != websocket.CloseInternalServerErr {
			w.t.Errorf("the client sees %d", code)
		}
		if took := time.Since(begun); took < 900*time.Millisecond {
			w.t.Errorf("after %v", took)
		}
		silent.echoes()
	})
}

func TestTheFewestSocketsAndTurns(t *testing.T) {
	story(t, func(w *world) {
		for _, said := range []string{"load-balance: least_conn", "fairlead.dev/balance: least-sessions"} {
			w.apply("chat", w.service("chat", "a", "b"), ingressFor(object{}, said))
			w.wantShare("a", 4, w.tally(8, echo))
			for _, s := range append([]*socket(nil), w.sockets...) {
				if s.pod() == "a" {
					s.hangUp()
				}
			}
			w.until("a has none", func() bool { return w.pod("a").Sessions() == 0 })
			if got := w.tally(3, echo); got["a"] != 3 {
				w.t.Errorf("%s: sockets went to %v", said, got)
			}
			w.clear("chat")
		}
		w.apply("chat", w.service("chat", "a", "b", "c"), ingressFor(object{}, "load-balance: round_robin"))
		if got := w.tally(9, echo); got["a"] != 3 || got["b"] != 3 || got["c"] != 3 {
			w.t.Errorf("in turn sockets went to %v", got)
		}
	})
}
