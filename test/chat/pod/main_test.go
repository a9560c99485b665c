package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/test/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func health(t *testing.T, address string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// TestTheEndOfAPod: readiness goes first, a socket that comes late is still taken, and then all get their Close frame.
func TestTheEndOfAPod(t *testing.T) {
	ctx, terminate := context.WithCancel(t.Context())
	defer terminate()
	listening := make(chan *chat.Server, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, settings{address: "127.0.0.1:0", closeCode: 1012, linger: 2 * time.Second, goodbye: 10 * time.Second,
			listening: func(s *chat.Server) { listening <- s }})
	}()
	address := (<-listening).Address().String()
	open := func() *websocket.Conn {
		conn, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/socket?mode=echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	early := open()
	if status := health(t, address); status != http.StatusOK {
		t.Errorf("/healthz of a server that serves: %d", status)
	}
	terminate()
	for deadline := time.Now().Add(time.Second); health(t, address) != http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatal("/healthz of a server that is about to end stays as it was")
		}
	}
	for _, conn := range []*websocket.Conn{early, open()} {
		for {
			if _, _, err := conn.ReadMessage(); websocket.IsCloseError(err, 1012) {
				break
			} else if err != nil {
				t.Fatalf("got %v, want Close 1012", err)
			}
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatIsTakenIsNamed(t *testing.T) {
	server, err := chat.Listen("127.0.0.1:0", chat.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := run(t.Context(), settings{address: server.Address().String()}); err == nil {
		t.Error("two servers on one address")
	}
}
