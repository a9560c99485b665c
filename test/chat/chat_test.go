package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/test/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T) *chat.Server {
	t.Helper()
	server, err := chat.Listen("127.0.0.1:0", chat.Options{Pod: "chat-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func open(t *testing.T, server *chat.Server, path string) *websocket.Conn {
	t.Helper()
	said := http.Header{"X-Forwarded-For": {"192.0.2.7"}} // as a proxy would
	conn, answer, err := websocket.DefaultDialer.Dial("ws://"+server.Address().String()+path, said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if pod := answer.Header.Get(chat.HeaderPod); pod != "chat-1" {
		t.Errorf("%s: %q, want chat-1", chat.HeaderPod, pod)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var hello chat.Hello
	if err := conn.ReadJSON(&hello); err != nil {
		t.Fatal(err)
	}
	want := chat.Hello{Type: chat.TypeHello, Pod: "chat-1", Address: server.Address().String(), Peer: "127.0.0.1", Client: "192.0.2.7"}
	if hello != want {
		t.Errorf("greeted with %+v, want %+v", hello, want)
	}
	return conn
}

// hear reads until a message of the given type comes.
func hear(t *testing.T, conn *websocket.Conn, kind string) chat.Message {
	t.Helper()
	for {
		var m chat.Message
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		if m.Type == kind {
			return m
		}
	}
}

func TestWhatOneSaysAllHear(t *testing.T) {
	server := listen(t)
	ann := open(t, server, "/socket?name=ann")
	if m := hear(t, ann, chat.TypePeople); m.People != 1 {
		t.Errorf("alone, but %d people", m.People)
	}
	bob := open(t, server, "/some/prefix/socket?name=bob")
	if m := hear(t, ann, chat.TypePeople); m.People != 2 {
		t.Errorf("bob came, but %d people", m.People)
	}
	if err := ann.WriteMessage(websocket.TextMessage, []byte("ahoy")); err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]*websocket.Conn{"ann": ann, "bob": bob} {
		if m := hear(t, conn, chat.TypeMessage); m.From != "ann" || m.Text != "ahoy" {
			t.Errorf("%s heard %+v", name, m)
		}
	}
	_ = bob.Close()
	if m := hear(t, ann, chat.TypePeople); m.People != 1 {
		t.Errorf("bob left, but %d people", m.People)
	}
}

func TestEchoReturnsEveryMessageInOrder(t *testing.T) {
	server := listen(t)
	conn := open(t, server, "/socket?mode=echo")
	const count = 1000
	go func() {
		for i := range count {
			kind := websocket.TextMessage + i%2
			if err := conn.WriteMessage(kind, []byte{'a' + byte(i%26)}); err != nil {
				return // the reader will tell
			}
		}
	}()
	for i := range count {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if kind != websocket.TextMessage+i%2 || string(data) != string(rune('a'+i%26)) {
			t.Fatalf("message %d: kind %d, %q", i, kind, data)
		}
	}
}

func TestCloseIsAnswered(t *testing.T) {
	server := listen(t)
	conn := open(t, server, "/socket?mode=echo")
	text := websocket.FormatCloseMessage(4321, "enough")
	if err := conn.WriteControl(websocket.CloseMessage, text, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4321) {
		t.Errorf("got %v, want Close 4321", err)
	}
}

func TestShutdownSaysGoodbyeToEveryone(t *testing.T) {
	server := listen(t)
	var conns []*websocket.Conn
	for range 5 {
		conns = append(conns, open(t, server, "/socket?mode=echo"))
	}
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	for _, conn := range conns {
		_, _, err := conn.ReadMessage()
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway || closed.Text != "chat-1 is stopping" {
			t.Errorf("got %v, want Close 1001", err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := websocket.DefaultDialer.Dial("ws://"+server.Address().String()+"/socket", nil); err == nil {
		t.Error("a stopped server takes new sockets")
	}
}

func TestShutdownCutsWhoDoesNotAnswer(t *testing.T) {
	server := listen(t)
	open(t, server, "/socket") // and never reads, so never answers the Close
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if n := server.Sessions(); n != 0 {
		t.Errorf("%d sockets are still open", n)
	}
}

func TestKillResets(t *testing.T) {
	server := listen(t)
	conn := open(t, server, "/socket?mode=echo")
	server.Kill()
	if _, _, err := conn.ReadMessage(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestPageAndHealth(t *testing.T) {
	server := listen(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{"/healthz": "ok\n", "/": "<!doctype html>", "/team/chat": "<!doctype html>"} {
		answer, err := client.Get("http://" + server.Address().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), want) {
			t.Errorf("GET %s: %s, %.40q, %v", path, answer.Status, body, err)
		}
	}
}

func TestMessagesAreJSON(t *testing.T) {
	data, err := json.Marshal(chat.Message{Type: chat.TypePeople, People: 2})
	if err != nil || string(data) != `{"type":"people","people":2}` {
		t.Errorf("%s, %v", data, err)
	}
}
