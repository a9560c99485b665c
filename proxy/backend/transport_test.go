package backend

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// get sends a plain request for chat.example.com to an endpoint.
func get(ctx context.Context, t *testing.T, transport *http.Transport, e Endpoint, connect time.Duration) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://chat.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "chat.example.com:443"
	addressed, err := To(r, e, connect)
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(addressed)
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
		response, err := get(t.Context(), t, transport, Endpoint{Address: at}, patience)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "ok" || response.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%q, %v, %v", body, response.Header, err)
		}
		_ = response.Body.Close()
		if got := <-heads; got != "chat.example.com:443 HTTP/1.1 " {
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
	response, err := get(t.Context(), t, idleAfter(t), Endpoint{Address: at, TLS: endpoints(t, model.BackendTLS{})}, patience)
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
	encrypted := endpoints(t, model.BackendTLS{})
	for _, c := range []struct {
		name    string
		e       Endpoint
		ctx     context.Context
		connect time.Duration
		want    model.Reason
	}{
		{"nobody listens", Endpoint{Address: vacant(t)}, t.Context(), patience, model.ConnectFailed},
		{"TLS never begins", Endpoint{Address: endpoint(t, silent), TLS: encrypted}, t.Context(), brief, model.ConnectTimeout},
		{"hangs up", Endpoint{Address: endpoint(t, func(conn net.Conn) { readRequest(conn) })}, t.Context(), 0, model.EndpointReset},
		{"the client left", Endpoint{Address: vacant(t)}, gone, 0, model.ClientGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := get(c.ctx, t, idleAfter(t), c.e, c.connect)
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
