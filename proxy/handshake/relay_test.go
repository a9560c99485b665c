package handshake

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestARefusalOfTheEndpointIsRelayedAndTheConnectionLivesOn(t *testing.T) {
	answers := make(chan *http.Response, 2)
	for _, hop := range []string{"Connection: close", "Connection: keep-alive, X-Hop\r\nX-Hop: 1"} {
		answers <- answer(t, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nWww-Authenticate: Bearer\r\n"+
			hop+"\r\nContent-Length: 20\r\nSet-Cookie: theirs=1\r\n\r\n{\"error\":\"no token\"}")
	}
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if err := Relay(w, <-answers, http.Header{"Set-Cookie": {"ours=1"}}); err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	client := call(t, address, "")
	for range 2 {
		client.say(opening)
		response := client.response()
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != `{"error":"no token"}` {
			t.Errorf("body %q, error %v", body, err)
		}
		if response.StatusCode != http.StatusForbidden || response.Close || response.ContentLength != 20 {
			t.Errorf("status %d, close %t, length %d", response.StatusCode, response.Close, response.ContentLength)
		}
		expect(t, response.Header, map[string]string{"Www-Authenticate": "Bearer", "X-Hop": "", "Content-Type": "application/json"})
		if cookies := response.Header["Set-Cookie"]; len(cookies) != 2 {
			t.Errorf("cookies %q", cookies)
		}
	}
}

func TestAStreamingAnswerArrivesPieceByPiece(t *testing.T) {
	body, endpoint := io.Pipe()
	defer func() { _ = endpoint.Close() }()
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		from := &http.Response{
			StatusCode: http.StatusOK, ContentLength: -1, Body: body, Header: http.Header{"Content-Type": {"text/event-stream"}},
			Trailer: http.Header{"X-Sum": {"42"}},
		}
		if err := Relay(w, from, nil); err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	response := call(t, address, opening).response()
	for _, event := range []string{"data: one\n\n", "data: two\n\n"} {
		if _, err := io.WriteString(endpoint, event); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(event))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != event {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := endpoint.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
	if got := response.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer %q", got)
	}
}

func TestHalfABodyNeverLooksWhole(t *testing.T) {
	broken := errors.New("reset")
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		from := &http.Response{
			StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{},
			Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))),
		}
		if err := Relay(w, from, nil); !errors.Is(err, broken) || !errors.Is(err, ErrBodyBroken) {
			t.Errorf("relay: %v", err)
		}
		panic(http.ErrAbortHandler)
	})
	got, err := io.ReadAll(call(t, address, opening).response().Body)
	if string(got) != "half" || err == nil {
		t.Errorf("read %q and %v", got, err)
	}
}

func TestA426OfTheEndpointStillNamesItsProtocol(t *testing.T) {
	from := answer(t, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n")
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if err := Relay(w, from, nil); err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	expect(t, call(t, address, opening).response().Header, map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
	})
}

func TestARefusalIsShortPlainAndKeepsItsCauseToItself(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, &model.Refusal{
			Status: http.StatusServiceUnavailable, Reason: model.NoEndpoint, Detail: "the route has no endpoint",
			Header: map[string]string{"Retry-After": "1"}, Err: errors.New("10.1.2.3 is gone"),
		})
	})
	response := call(t, address, opening).response()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "NoEndpoint: the route has no endpoint\n" {
		t.Errorf("body %q, %v", body, err)
	}
	expect(t, response.Header, map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Retry-After": "1", "Cache-Control": "no-store",
	})
}
