package proxy_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// journal is what a replica has logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// leaving starts a replica that will leave as told, and keeps its journal.
func leaving(t *testing.T, o proxy.DrainOptions) (*replica, *journal) {
	j := new(journal)
	return start(t, func(all *proxy.Options) {
		all.Drain = o
		all.Log = slog.New(slog.NewTextHandler(j, nil))
	}), j
}

// over waits until the replica has left and returns how long that took.
func (r *replica) over(began time.Time) time.Duration {
	r.t.Helper()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Error(err)
		}
		r.ended <- nil // for the cleanup
	case <-time.After(patience):
		r.t.Error("the replica does not leave")
	}
	return time.Since(began)
}

func TestSocketsThatOpenDuringAShutdownAreClosedLikeTheOthers(t *testing.T) {
	const sockets = 8
	p := newPod(t, "slow")
	arrived, release := make(chan struct{}, sockets), make(chan struct{})
	plain := p.server.Config.Handler
	p.serving(func(w http.ResponseWriter, req *http.Request) {
		arrived <- struct{}{}
		<-release
		plain.ServeHTTP(w, req)
	})
	r, j := leaving(t, proxy.DrainOptions{Spread: 2 * time.Second, Timeout: patience})
	r.publish(service(p))
	codes := make(chan int, sockets)
	for range sockets {
		go func() {
			conn, _, err := r.dial(host, "/")
			if err != nil {
				codes <- 0
				return
			}
			defer func() { _ = conn.Close() }()
			codes <- (&socket{Conn: conn, t: t}).code()
		}()
	}
	for range sockets {
		<-arrived
	}
	began := time.Now()
	r.stop()
	eventually(t, "sessions are being closed", func() bool { return j.count("closing sessions") == 1 })
	close(release)
	r.over(began)
	if n := j.count("session ended"); n != sockets {
		t.Errorf("%d ends were told before it left", n)
	}
	for range sockets {
		select {
		case got := <-codes:
			if got != 1001 {
				t.Errorf("closed with %d", got)
			}
		case <-time.After(patience):
			t.Fatal("a socket was left open")
		}
	}
}

func TestAShutdownEndsAtItsTimeout(t *testing.T) {
	p := newPod(t, "a")
	sockets := p.server.Config.Handler
	p.serving(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/events" {
			sockets.ServeHTTP(w, req)
			return
		}
		_, _ = fmt.Fprint(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	})
	r, j := leaving(t, proxy.DrainOptions{Timeout: 500 * time.Millisecond})
	r.publish(with(service(p), func(route *model.Route) { route.Protocols |= model.HTTP }))
	for range 20 {
		r.open(host, "/") // and none of them will answer a Close frame
	}
	_, from := r.raw("GET /events HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
	if _, err := from.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.stop()
	if took := r.over(began); took < 500*time.Millisecond || took > 3*time.Second {
		t.Errorf("left after %v", took)
	}
	if n := j.count("session ended"); n != 20 {
		t.Errorf("%d ends of 20 were told", n)
	}
}
