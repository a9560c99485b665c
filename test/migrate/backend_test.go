package migrate

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/websocket"
)

// heard is what a backend was asked.
type heard struct {
	Backend string
	URI     string
	Host    string
	Header  http.Header
}

// newBackend starts a backend that says what it was asked: in the body of an answer, or in the first
// message of a socket, which echoes what comes after.
func newBackend(t *testing.T, name string) string {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := heard{Backend: name, URI: r.RequestURI, Host: r.Host, Header: r.Header}
		if !websocket.IsWebSocketUpgrade(r) {
			w.Header().Set("X-Powered-By", "a backend")
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/check" && r.Header.Get("X-Token") != "let-me-in" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			w.Header().Set("X-User", "ann")
			_ = json.NewEncoder(w).Encode(asked)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteJSON(asked)
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
