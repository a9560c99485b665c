package fleet

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/test/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	every   = 20 * time.Millisecond
	silence = 500 * time.Millisecond
)

func newPod(t *testing.T, name string, before func(http.ResponseWriter, *http.Request) bool) *chat.Server {
	t.Helper()
	pod, err := chat.Listen("127.0.0.1:0", chat.Options{Pod: name, Before: before})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pod.Close)
	return pod
}

// come lets clients come to an address. What Stop finds fails the test, unless the test itself has stopped the fleet.
func come(t *testing.T, clients int, address string) *Fleet {
	t.Helper()
	f, err := Start(soon(t), Options{URL: "ws://chat.example.com/socket", Address: address, Clients: clients, Every: every, Silence: silence})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Stop() })
	return f
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until so many sockets have ended and their clients are back.
func await(t *testing.T, f *Fleet, ends int) Report {
	t.Helper()
	must(t, f.Until(soon(t), func([]Place) error {
		// Until holds no lock here, so that a report may be asked for.
		if r := f.Report("", time.Time{}); len(r.Ends) < ends || r.Away > 0 {
			return errLeft
		}
		return nil
	}))
	return f.Report("", time.Time{})
}

func TestWhenNothingHappensNothingIsTold(t *testing.T) {
	f := come(t, 10, newPod(t, "chat-1", nil).Address().String())
	for _, p := range f.Places() {
		if !p.Open || p.Pod != "chat-1" || p.Replica != "127.0.0.1" {
			t.Errorf("%+v", p)
		}
	}
	must(t, f.Stop())
	r := f.Report("quiet", time.Time{})
	if r.Kept != 10 || len(r.Ends)+len(r.Refusals)+r.Unanswered != 0 {
		t.Errorf("%+v", r)
	}
}

func TestClientsComeAgainWhenAsked(t *testing.T) {
	old, next := newPod(t, "old", nil), newPod(t, "next", nil)
	d := newDoor(t, old.Address().String())
	f := come(t, 10, d.address())
	d.lead(next.Address().String())
	must(t, f.Rejoin(soon(t)))
	for _, p := range f.Places() {
		if p.Pod != "next" {
			t.Errorf("%+v", p)
		}
	}
	must(t, f.Stop())
	if r := f.Report("", time.Time{}); len(r.Ends) != 0 || r.Kept != 10 {
		t.Errorf("who leaves by itself is counted as cut:\n%s", Table(r))
	}
}

func TestAPodThatSaysGoodbye(t *testing.T) {
	old, next := newPod(t, "old", nil), newPod(t, "next", nil)
	d := newDoor(t, old.Address().String())
	f := come(t, 10, d.address())
	d.lead(next.Address().String())
	must(t, old.Shutdown(soon(t)))
	r := await(t, f, 10)
	if r.Closed["1001"] != 10 || r.Kept != 0 || len(r.Refusals) != 0 {
		t.Error(Table(r))
	}
	for _, end := range r.Ends {
		gap, ok := end.Gap()
		if end.Pod != "old" || end.NextPod != "next" || !ok || gap < firstPause/2 {
			t.Errorf("%+v", end)
		}
	}
	must(t, f.Stop())
}

func TestAPodThatIsKilled(t *testing.T) {
	old, next := newPod(t, "old", nil), newPod(t, "next", nil)
	d := newDoor(t, old.Address().String())
	f := come(t, 10, d.address())
	d.lead(next.Address().String())
	old.Kill()
	if r := await(t, f, 10); r.Closed["reset"] != 10 {
		t.Error(Table(r))
	}
	must(t, f.Stop())
}

func TestSilenceIsNoticed(t *testing.T) {
	pod := newPod(t, "chat-1", nil)
	d := newDoor(t, pod.Address().String())
	f := come(t, 3, d.address())
	d.blind(true)
	must(t, f.Until(soon(t), func([]Place) error {
		if len(f.Report("", time.Time{}).Ends) < 3 {
			return errLeft
		}
		return nil
	}))
	d.blind(false)
	r := await(t, f, 3)
	if r.Closed["silence"] != len(r.Ends) || r.Unanswered < 3 || r.Gap(0) < silence {
		t.Error(Table(r))
	}
	must(t, f.Stop())
}

func TestRefusalsAreCountedByTheirReason(t *testing.T) {
	var refuse atomic.Int32
	pod := newPod(t, "chat-1", func(w http.ResponseWriter, _ *http.Request) bool {
		if refuse.Add(-1) < 0 {
			return false
		}
		http.Error(w, "Draining: this replica shuts down", http.StatusServiceUnavailable)
		return true
	})
	refuse.Store(3)
	f := come(t, 2, pod.Address().String())
	r := f.Report("", time.Time{})
	if r.Refused["503 Draining"] != 3 || len(r.Refusals) != 3 {
		t.Error(Table(r))
	}
	must(t, f.Stop())
}

func TestNobodyThere(t *testing.T) {
	pod := newPod(t, "chat-1", nil)
	pod.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Options{URL: "ws://" + pod.Address().String() + "/socket", Clients: 2})
	if err == nil || !strings.Contains(err.Error(), "2 of 2 clients") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

// TestAWrongEchoIsNoEcho: a server that doubles the third message is found out.
func TestAWrongEchoIsNoEcho(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteJSON(chat.Hello{Type: chat.TypeHello, Pod: "liar"})
		for number := 1; ; number++ {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
			_ = conn.WriteMessage(websocket.TextMessage, []byte(strconv.Itoa(min(number, 2))))
		}
	}))
	defer server.Close()
	f := come(t, 1, server.Listener.Addr().String())
	await(t, f, 1)
	if err := f.Stop(); err == nil || !strings.Contains(err.Error(), `"2" came instead of 3`) {
		t.Errorf("got %v", err)
	}
}

func TestAMessageThatNeverComesBackIsAMistake(t *testing.T) {
	d := newDoor(t, newPod(t, "chat-1", nil).Address().String())
	f := come(t, 1, d.address())
	d.blind(true)
	<-d.swallowed // a message, or its echo
	if err := f.Stop(); err == nil || !strings.Contains(err.Error(), "unanswered") {
		t.Errorf("got %v", err)
	}
}

func TestClientsKeepTheirCookies(t *testing.T) {
	var with atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("pod"); err == nil {
			with.Add(1)
		}
		conn, err := new(websocket.Upgrader).Upgrade(w, r, http.Header{"Set-Cookie": {"pod=1; Path=/"}})
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteJSON(chat.Hello{Type: chat.TypeHello, Pod: "chat-1"})
		if _, data, err := conn.ReadMessage(); err == nil {
			_ = conn.WriteMessage(websocket.TextMessage, data) // and hangs up
		}
	}))
	defer server.Close()
	f := come(t, 1, server.Listener.Addr().String())
	await(t, f, 1)
	if with.Load() == 0 {
		t.Error("the client came back without its cookie")
	}
	_ = f.Stop() // the server hangs up on its last socket too
}
