package echo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/cmd/fairlead/echo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server named pod-1. end makes it end, and returns when it has.
func serve(t *testing.T) (address string, end func() error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- echo.New("pod-1").Serve(ctx, l) }()
	end = func() error {
		cancel()
		err, ok := <-done
		if ok {
			close(done)
		}
		return err
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), end
}

// dial opens a socket that the test closes.
func dial(t *testing.T, address, path string, subprotocols ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: 10 * time.Second}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://"+address+path, http.Header{"Origin": {"https://elsewhere.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck,gosec // it has ended
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn, resp
}

// talk sends a message and reads it back.
func talk(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.ReadMessage(); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
}

func get(t *testing.T, address, path string) (status int, pod, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get(echo.PodHeader), string(text)
}

func TestEveryMessageComesBackOnAnyPath(t *testing.T) {
	address, _ := serve(t)
	conn, resp := dial(t, address, "/some/path?x=1", "v2.chat", "v1.chat")
	if pod := resp.Header.Get(echo.PodHeader); pod != "pod-1" {
		t.Errorf("the 101 names %q", pod)
	}
	if conn.Subprotocol() != "v2.chat" {
		t.Errorf("the subprotocol is %q, want the first one offered", conn.Subprotocol())
	}
	for kind, message := range map[int][]byte{
		websocket.TextMessage:   []byte("hello"),
		websocket.BinaryMessage: bytes.Repeat([]byte{0, 255}, 1<<18), // half a megabyte
	} {
		if err := conn.WriteMessage(kind, message); err != nil {
			t.Fatal(err)
		}
		gotKind, got, err := conn.ReadMessage()
		if err != nil || gotKind != kind || !bytes.Equal(got, message) {
			t.Errorf("%d bytes of kind %d came back as %d of kind %d, %v", len(message), kind, len(got), gotKind, err)
		}
	}
}

func TestPlainRequestsAreTold(t *testing.T) {
	address, _ := serve(t)
	if status, pod, body := get(t, address, "/"); status != http.StatusOK || pod != "pod-1" || !strings.Contains(body, "pod-1: open a WebSocket") {
		t.Errorf("GET /: %d from %q: %s", status, pod, body)
	}
	if status, _, body := get(t, address, "/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("GET /healthz: %d %s", status, body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close() //nolint:errcheck,gosec // only the head counts
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}

// The pod ends: sockets are closed with 1001, one that never answers is given up, and while the server
// waits for it nobody takes it for ready.
func TestItSaysGoodbye(t *testing.T) {
	address, end := serve(t)
	polite, _ := dial(t, address, "/")
	silent, _ := dial(t, address, "/") // reads nothing more, so that it answers no Close frame
	talk(t, polite)
	talk(t, silent)
	begin := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- end() }()

	var closed *websocket.CloseError
	if _, _, err := polite.ReadMessage(); !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway {
		t.Errorf("the socket ends with %v, want 1001", err)
	}
	if status, _, _ := get(t, address, "/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("GET /healthz while it ends: %d", status)
	}
	if conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+address+"/", nil); err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new socket while it ends: %v, %v, %v", conn, resp, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %s to end", took)
	}
	if _, _, err := silent.ReadMessage(); !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway {
		t.Errorf("the silent socket ends with %v, want 1001", err)
	}
}

func TestAMessageThatIsTooLongEndsTheSocket(t *testing.T) {
	address, _ := serve(t)
	conn, _ := dial(t, address, "/")
	var closed *websocket.CloseError
	// The head alone says that it is too long, so that nothing is on its way when the socket is closed.
	head := []byte{0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3, 4}
	if _, err := conn.NetConn().Write(head); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !errors.As(err, &closed) || closed.Code != websocket.CloseMessageTooBig {
		t.Errorf("the socket ends with %v, want 1009", err)
	}
}
