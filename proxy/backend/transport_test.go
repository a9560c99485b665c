package backend

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// get sends a plain request to an endpoint's address.
func get(ctx context.Context, t *testing.T, transport *http.Transport, url string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "chat.example.com"
	return transport.RoundTrip(r)
}

// idleAfter makes a transport whose idle connections go with the test.
func idleAfter(t *testing.T) *http.Transport {
	t.Helper()
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func TestPlainRequestsPassUnchangedAndConnectionsAreReused(t *testing.T) {
	heads, connections := make(chan string, 2), make(chan struct{}, 2)
	at := endpoint(t, func(conn net.Conn) {
		connections <- struct{}{}
		reader := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			heads <- r.Host + " " + r.Proto + " " + r.Header.Get("Accept-Encoding")
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	transport := idleAfter(t)
	for range 2 {
		response, err := get(WithConnect(t.Context(), patience), t, transport, "http://"+at.String()+"/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "ok" || response.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%q, %v, %v", body, response.Header, err)
		}
		_ = response.Body.Close()
		if got := <-heads; got != "chat.example.com HTTP/1.1 " {
			t.Errorf("sent %q", got)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for two requests", len(connections))
	}
}

func TestPlainRequestsOverTLSNameTheHost(t *testing.T) {
	names := make(chan string, 1)
	at := secureEndpoint(t, names, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	ctx := WithConnect(WithServerName(t.Context(), "chat.example.com:443"), patience)
	response, err := get(ctx, t, idleAfter(t), "https://"+at.String()+"/")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := <-names; got != "chat.example.com" {
		t.Errorf("SNI %q", got)
	}
}

func TestFailuresOfPlainRequestsAreExplained(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		name, url string
		ctx       context.Context
		want      model.Reason
	}{
		{"nobody listens", "http://" + vacant(t).String(), t.Context(), model.ConnectFailed},
		{"TLS never begins", "https://" + endpoint(t, silent).String(), WithConnect(t.Context(), brief), model.ConnectTimeout},
		{"hangs up", "http://" + endpoint(t, func(conn net.Conn) { readRequest(conn) }).String(), t.Context(), model.EndpointReset},
		{"the client left", "http://" + vacant(t).String(), gone, model.ClientGone},
		{"not an address", "http://localhost:80", t.Context(), model.ConnectFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := get(c.ctx, t, idleAfter(t), c.url)
			if err == nil {
				_ = response.Body.Close()
				t.Fatal("no error")
			}
			if refusal := Explain(c.ctx, err); refusal.Reason != c.want || strings.TrimSpace(refusal.Detail) == "" {
				t.Errorf("explained as %v, want %s", refusal, c.want)
			}
		})
	}
}
