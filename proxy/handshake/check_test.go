package handshake

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// doorman answers every request as a proxy would that has an endpoint which always says yes.
func doorman(t *testing.T) http.HandlerFunc {
	yes := answer(t, good101)
	return func(w http.ResponseWriter, r *http.Request) {
		if refusal := Check(r); refusal != nil {
			Refuse(w, refusal)
			return
		}
		conn, early, err := Switch(w, yes, nil)
		if err != nil {
			t.Errorf("switch: %v", err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(early)
		_, _ = io.Copy(conn, conn)
	}
}

func TestBrokenOpeningsAreAnsweredAndDisturbNobody(t *testing.T) {
	address := serve(t, doorman(t))
	bystander := call(t, address, opening)
	bystander.head()
	swap := func(old, replacement string) string {
		if !strings.Contains(opening, old) {
			t.Fatalf("the opening has no %q", old)
		}
		return strings.Replace(opening, old, replacement, 1)
	}
	for _, c := range []struct {
		name, raw string
		status    int
		reason    model.Reason
	}{
		{"no websocket at all", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, model.BadHandshake},
		{"POST", swap("GET", "POST"), 400, model.BadHandshake},
		{"HTTP/1.0", swap("HTTP/1.1", "HTTP/1.0"), 400, model.BadHandshake},
		{"HTTP/1.0 without Host", swap("HTTP/1.1\r\nHost: chat.example.com", "HTTP/1.0"), 400, model.BadHandshake},
		{"with content", swap("Upgrade: websocket", "Upgrade: websocket\r\nContent-Length: 3") + "abc", 400, model.BadHandshake},
		{"with chunks", swap("Upgrade: websocket", "Upgrade: websocket\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400, model.BadHandshake},
		{"version 8", swap("Version: 13", "Version: 8"), 426, model.BadVersion},
		{"two versions in a line", swap("Version: 13", "Version: 13, 8"), 426, model.BadVersion},
		{"two lines of version", swap("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"), 426, model.BadVersion},
		{"no version", swap("Sec-WebSocket-Version: 13\r\n", ""), 426, model.BadVersion},
		{"no key", swap("Sec-WebSocket-Key: "+exampleKey+"\r\n", ""), 400, model.BadHandshake},
		{"two keys", swap("Sec-WebSocket-Key", "Sec-WebSocket-Key: "+exampleKey+"\r\nSec-WebSocket-Key"), 400, model.BadHandshake},
		{"a short key", swap(exampleKey, "c2hvcnQ="), 400, model.BadHandshake},
		{"a key without padding", swap(exampleKey, strings.TrimRight(exampleKey, "=")), 400, model.BadHandshake},
		{"a key that is no base64", swap(exampleKey, "!!!!!!!!!!!!!!!!!!!!!!=="), 400, model.BadHandshake},
	} {
		t.Run(c.name, func(t *testing.T) {
			response := call(t, address, c.raw).response()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !strings.HasPrefix(string(body), string(c.reason)+": ") {
				t.Errorf("answered %d %q, want %d %s", response.StatusCode, body, c.status, c.reason)
			}
			if c.reason == model.BadHandshake && !response.Close {
				t.Error("the connection stays open, so frames behind the request would be read as requests")
			}
			if c.reason == model.BadVersion && response.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("no version offered: %v", response.Header)
			}
		})
	}
	bystander.say("still here")
	bystander.hear("still here")
}

func TestGarbageAndHalfARequestDisturbNobody(t *testing.T) {
	address := serve(t, doorman(t))
	bystander := call(t, address, opening)
	bystander.head()
	garbage := call(t, address, "\x16\x03\x01\x02\x00\x01\x00 what\r\n\r\n")
	if status := garbage.response().StatusCode; status != http.StatusBadRequest {
		t.Errorf("garbage was answered with %d", status)
	}
	half := call(t, address, opening[:len(opening)/2])
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	both := call(t, address, strings.Replace(opening, "Upgrade: websocket",
		"Upgrade: websocket\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", 1)+"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	response := both.response()
	if response.StatusCode != http.StatusBadRequest || !response.Close {
		t.Errorf("two lengths were answered with %d, close %t", response.StatusCode, response.Close)
	}
	bystander.say("still here")
	bystander.hear("still here")
}

func TestAcceptKeyIsTheOneOfTheRFC(t *testing.T) {
	if got := AcceptKey(exampleKey); got != exampleAccept {
		t.Errorf("AcceptKey = %q, want %q", got, exampleAccept)
	}
}

const good101 = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: " + exampleAccept + "\r\n\r\n"

func TestAnswersOfEndpointsAreVerified(t *testing.T) {
	swap := func(old, replacement string) string { return strings.Replace(good101, old, replacement, 1) }
	for _, c := range []struct {
		name, raw, upgrade, complaint string
	}{
		{"a good one", good101, "websocket", ""},
		{"other spelling", swap("websocket", "WebSocket"), "websocket", ""},
		{"another protocol asked for", strings.ReplaceAll(swap("websocket", "spdy/3.1"), "Sec-WebSocket-Accept", "X"), "spdy/3.1", ""},
		{"200", swap("101 Switching Protocols", "200 OK"), "websocket", "answered 200"},
		{"HTTP/1.0", swap("HTTP/1.1", "HTTP/1.0"), "websocket", "not HTTP/1.1"},
		{"Connection missing", swap("Connection: Upgrade\r\n", ""), "websocket", "lacks Connection"},
		{"Connection without upgrade", swap("Connection: Upgrade", "Connection: close"), "websocket", "lacks Connection"},
		{"Upgrade missing", swap("Upgrade: websocket\r\n", ""), "websocket", "another protocol"},
		{"another protocol", swap("Upgrade: websocket", "Upgrade: h2c"), "websocket", "another protocol"},
		{"two protocols", swap("Upgrade: websocket", "Upgrade: websocket, h2c"), "websocket", "another protocol"},
		{"accept missing", swap("Sec-WebSocket-Accept: "+exampleAccept+"\r\n", ""), "websocket", "Accept"},
		{"accept of another key", swap(exampleAccept, AcceptKey("x")), "websocket", "Accept"},
		{"two accepts", swap("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: "+exampleAccept+"\r\nSec-WebSocket-Accept"), "websocket", "Accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refusal := CheckAnswer(answer(t, c.raw), c.upgrade, exampleKey)
			switch {
			case c.complaint == "" && refusal != nil:
				t.Errorf("refused: %v", refusal)
			case c.complaint != "" && refusal == nil:
				t.Error("admitted")
			case refusal != nil && (refusal.Reason != model.BadUpgrade || !strings.Contains(refusal.Detail, c.complaint)):
				t.Errorf("refused with %v, want BadUpgrade and %q", refusal, c.complaint)
			}
		})
	}
}
