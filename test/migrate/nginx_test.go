package migrate

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const get = "GET"

var cases = []struct {
	name string
	kind nginx.Kind // "": both
	asks []ask
}{
	{name: "socketio", asks: []ask{
		{method: get, host: "io.example.com", path: "/socket.io/?EIO=4&transport=polling", differs: []string{"OtherShare"}},
		{host: "io.example.com", path: "/socket.io/?EIO=4&transport=websocket", header: map[string]string{"X-Forwarded-For": "203.0.113.9"}, differs: []string{"NoTrust", "OtherShare"}},
		{method: get, host: "io.example.com", path: "/socket.io", differs: []string{"SlashServed"}},
		{method: get, host: "io.example.com:8080", path: "/assets/app.js", differs: []string{"PortStays"}},
	}},
	{name: "sockjs", asks: []ask{
		{method: get, host: "sockjs.example.com", path: "/echo/info?t=1", header: map[string]string{"Cookie": "JSESSIONID=a"}, differs: []string{"OtherShare"}},
	}},
	{name: "chat-prefix", asks: []ask{
		{host: "example.com", path: "/chat/"},
		{host: "example.com", path: "/chat/rooms/1?user=ann%20b"},
		{method: get, host: "example.com", path: "/chat/api/users"},
		{method: get, host: "example.com", path: "/chat/apiary"},
		{method: get, host: "example.com", path: "/healthz?x=1"},
		{method: get, host: "example.com", path: "/healthz/"},
		{method: get, host: "example.com", path: "/chat", differs: []string{"SlashServed"}},
		{method: get, host: "example.com", path: "/chats"},
	}},
	{name: "websocket-letters", asks: []ask{
		{host: "letters.example.com", path: "/websocket"},
		{host: "letters.example.com", path: "/websocket/"},
		{host: "letters.example.com", path: "/websocket/a"},
		{host: "letters.example.com", path: "/websockets"},
		{host: "letters.example.com", path: "/websocket-old/x"},
		{host: "letters.example.com", path: "/Websocket"},
		{host: "letters.example.com", path: "/web"},
	}},
	{name: "prefix-replaced", asks: []ask{
		{host: "replaced.example.com", path: "/a/one/two?q=1"},
		{host: "replaced.example.com", path: "/a/"},
		{host: "replaced.example.com", path: "/b/one"},
		{host: "replaced.example.com", path: "/c/one"},
		{host: "replaced.example.com", path: "/cc"},
		{host: "replaced.example.com", path: "/c"},
		{host: "replaced.example.com", path: "/d/one"},
		{host: "replaced.example.com", path: "/e?q=1"},
		{host: "replaced.example.com", path: "/f/one"},
		{host: "replaced.example.com", path: "/g/one/two?q=1"},
		{host: "replaced.example.com", path: "/h/v7/one?q=1"},
		{host: "replaced.example.com", path: "/h/other"},
		{host: "replaced.example.com", path: "/i/lobby/ws?q=1"},
		{method: get, host: "replaced.example.com", path: "/i/lobby/other"},
	}},
	{name: "regex-order", asks: []ask{
		{method: get, host: "order.example.com", path: "/"},
		{method: get, host: "order.example.com", path: "/ws"},
		{method: get, host: "order.example.com", path: "/app/chat/ws"},
		{method: get, host: "order.example.com", path: "/app/chat/main.JS"},
		{method: get, host: "order.example.com", path: "/app/chat"},
		{method: get, host: "order.example.com", path: "/static/main.js"},
		{method: get, host: "order.example.com", path: "/static/x/ws"},
		{method: get, host: "order.example.com", path: "/static/ws"},
		{method: get, host: "order.example.com", path: "/other.css"},
	}},
	{name: "several-servers", asks: []ask{
		{host: "a.example.com", path: "/x"},
		{host: "www.a.example.com", path: "/x"},
		{host: "b.example.com", path: "/ws"},
		{host: "x.b.example.com", path: "/ws"},
		{method: get, host: "b.example.com", path: "/other", differs: []string{"AbsentPage"}},
		{method: get, host: "somebody.example.net", path: "/x"},
		{method: get, host: "old.example.com", path: "/x?y=1"},
		{host: "old.example.com", path: "/x?y=1"},
	}},
	{name: "ssl-redirect", asks: []ask{
		{host: "chat.example.com", path: "/ws", tls: true},
		{method: get, host: "chat.example.com", path: "/x?y=1", tls: true},
		{method: get, host: "chat.example.com", path: "/x?y=1", differs: []string{"Permanent"}},
		{host: "chat.example.com", path: "/ws", differs: []string{"Permanent"}},
	}},
	{name: "home-assistant", asks: []ask{
		{host: "ha.example.com", path: "/api/websocket", tls: true, differs: []string{"OnEveryAnswer"}},
		{method: get, host: "ha.example.com", path: "/", tls: true},
		{method: get, host: "ha.example.com", path: "/lovelace", differs: []string{"Permanent", "OnEveryAnswer"}},
	}},
	{name: "maps", asks: []ask{
		{host: "maps.example.com", path: "/a"},
		{host: "maps.example.com", path: "/b"},
		{host: "maps.example.com", path: "/c", differs: []string{"WorksNow"}},
		{host: "maps.example.com", path: "/d"},
		{method: get, host: "maps.example.com", path: "/a/x"},
	}},
	{name: "missing-headers", asks: []ask{
		{host: "never.example.com", path: "/ws/x", differs: []string{"WorksNow"}},
		{method: get, host: "never.example.com", path: "/ws/x", differs: []string{"ClientsHost"}},
	}},
	{name: "hosts-headers", asks: []ask{
		{method: get, host: "headers.example.com", path: "/default", differs: []string{"ClientsHost"}},
		{method: get, host: "headers.example.com", path: "/fixed", header: map[string]string{"X-Api-Key": "mine", "Accept-Encoding": "br"}},
		{method: get, host: "headers.example.com:8080", path: "/http-host"},
		{host: "headers.example.com", path: "/fixed"},
	}},
	{name: "redirects", asks: []ask{
		{method: get, host: "moved.example.com", path: "/old", differs: []string{"WholeURL"}},
		{method: get, host: "moved.example.com", path: "/docs/a?b=c"},
		{method: get, host: "moved.example.com", path: "/blog/a"},
		{method: get, host: "moved.example.com", path: "/gone", differs: []string{"AbsentPage"}},
		{method: get, host: "moved.example.com", path: "/posts/7", differs: []string{"Lost"}},
		{method: get, host: "moved.example.com", path: "/text", differs: []string{"Lost"}},
		{host: "moved.example.com", path: "/oldest"},
	}},
	{name: "variables", asks: []ask{
		{host: "vars.example.com", path: "/one/a?b=c"},
		{host: "vars.example.com", path: "/two/a?b=c"},
		{host: "vars.example.com", path: "/three/a?b=c"},
	}},
	{name: "nested", asks: []ask{
		{host: "nested.example.com", path: "/app/x"},
		{host: "nested.example.com", path: "/app/ws/x"},
		{method: get, host: "nested.example.com", path: "/app/x.json"},
		{method: get, host: "nested.example.com", path: "/x.json"},
	}},
	{name: "upgrade-if", kind: nginx.WebSocketRoute, asks: []ask{
		{host: "split.example.com", path: "/x"},
		{method: get, host: "split.example.com", path: "/x"},
	}},
	{name: "cors", asks: []ask{
		{method: get, host: "api.example.com", path: "/socket.io/?x=1", header: map[string]string{"Origin": "https://app.example.com"}, differs: []string{"CORSAsAsked"}},
		{method: get, host: "api.example.com", path: "/socket.io/?x=1", header: map[string]string{"Origin": "https://pr7.preview.example.com"}, differs: []string{"CORSAsAsked"}},
		{host: "api.example.com", path: "/socket.io/?x=1", differs: []string{"CORSAsAsked"}},
	}},
	{name: "guards", asks: []ask{
		{host: "guarded.example.com", path: "/office"},
		{host: "guarded.example.com", path: "/elsewhere"},
		{host: "guarded.example.com", path: "/blocked"},
		{host: "guarded.example.com", path: "/mixed", differs: []string{"Closed"}},
		{method: get, host: "guarded.example.com", path: "/nobody/x"},
		{method: get, host: "guarded.example.com", path: "/absent", differs: []string{"AbsentPage"}},
		{method: get, host: "guarded.example.com", path: "/office/.git/config"},
		{method: get, host: "guarded.example.com", path: "/password"},
		{host: "guarded.example.com", path: "/password"},
		{host: "guarded.example.com", path: "/asked"},
		{host: "guarded.example.com", path: "/asked", header: map[string]string{"X-Token": "let-me-in"}},
		{method: get, host: "guarded.example.com", path: "/asked", header: map[string]string{"X-Token": "let-me-in", "X-User": "root"}},
	}},
}

// A configuration and what became of it answer alike.
func TestSideBySide(t *testing.T) {
	for _, c := range cases {
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			if c.kind != "" && c.kind != kind {
				continue
			}
			t.Run(c.name+"/"+string(kind), func(t *testing.T) {
				original, ours := side(t, c.name, kind, c.asks[0])
				compare(t, original, ours, c.asks)
			})
		}
	}
}

// Clients of an upstream block with weights spread over its servers by these, here as there.
func TestWeightsKeepTheirShares(t *testing.T) {
	first := ask{method: get, host: "weights.example.com", path: "/"}
	original, ours := side(t, "weights", nginx.WebSocketRoute, first)
	for _, p := range []peer{original, ours} {
		counts := map[string]int{}
		for range 100 {
			got, err := p.send(first)
			if err != nil {
				t.Fatal(err)
			}
			counts[got["Backend"]]++
		}
		for backend, want := range map[string]int{"127.0.0.1:9001": 40, "127.0.0.1:9002": 40, "127.0.0.1:9003": 20} {
			if n := counts[backend]; n < want-3 || n > want+3 {
				t.Errorf("%s: %d of 100 to %s, want about %d", p.name, n, backend, want)
			}
		}
	}
}

// Equal cookies meet at one server, and many cookies use all servers.
func TestHashedCookiesStick(t *testing.T) {
	asked := func(value string) ask {
		return ask{host: "sockjs.example.com", path: "/echo/000/abc/websocket", header: map[string]string{"Cookie": "JSESSIONID=" + value}}
	}
	original, ours := side(t, "sockjs", nginx.WebSocketRoute, asked("a"))
	for _, p := range []peer{original, ours} {
		used := map[string]bool{}
		for i := range 20 {
			at := map[string]bool{}
			for range 3 {
				got, err := p.send(asked(strconv.Itoa(i)))
				if err != nil || got["Status"] != "101" {
					t.Fatal(got, err)
				}
				at[got["Backend"]], used[got["Backend"]] = true, true
			}
			if len(at) != 1 {
				t.Errorf("%s: cookie %d came to %v", p.name, i, at)
			}
		}
		if len(used) != 2 {
			t.Errorf("%s: 20 cookies used %v", p.name, used)
		}
	}
}

// A client stays at its server with ip_hash, whatever it asks for.
func TestClientsStickByAddress(t *testing.T) {
	first := ask{host: "io.example.com", path: "/socket.io/"}
	original, ours := side(t, "socketio", nginx.WebSocketRoute, first)
	for _, p := range []peer{original, ours} {
		at := map[string]bool{}
		for i := range 10 {
			got, err := p.send(ask{host: "io.example.com", path: fmt.Sprintf("/socket.io/?n=%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			at[got["Backend"]] = true
		}
		if len(at) != 1 {
			t.Errorf("%s: one client came to %v", p.name, at)
		}
	}
}

// A socket that is silent for longer than proxy_read_timeout ends, and one that speaks doesn't.
func TestSilentSocketsEnd(t *testing.T) {
	first := ask{host: "idle.example.com", path: "/"}
	original, ours := side(t, "idle", nginx.WebSocketRoute, first)
	for _, p := range []peer{original, ours} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			conn := p.open(t, first)
			began := time.Now()
			for time.Since(began) < 2*time.Second { // longer than the timeout, and never silent
				if err := conn.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
					t.Fatal(err)
				}
				if _, _, err := conn.ReadMessage(); err != nil {
					t.Fatalf("ended after %s, though it spoke: %v", time.Since(began), err)
				}
				time.Sleep(200 * time.Millisecond) //nolint:forbidigo // time is what is tested
			}
			silent := time.Now()
			_ = conn.SetReadDeadline(silent.Add(patience))
			if _, _, err := conn.ReadMessage(); err == nil {
				t.Fatal("a message that nobody sent")
			}
			if took := time.Since(silent); took < time.Second || took > 6*time.Second {
				t.Errorf("ended after %s of silence, want about 1.5s", took)
			}
		})
	}
}

// open opens a socket and takes the backend's first message.
func (p peer) open(t *testing.T, a ask) *websocket.Conn {
	t.Helper()
	conn, err := dial(p.http, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	return conn
}
