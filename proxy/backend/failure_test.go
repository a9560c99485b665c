package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// vacant returns a loopback address that nobody listens on.
func vacant(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return netip.MustParseAddrPort(listener.Addr().String())
}

// resetting is a script that says something and then resets the connection.
func resetting(raw string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, raw)
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
}

func TestNobodyListensThere(t *testing.T) {
	answer, err := Upgrade(t.Context(), Endpoint{Address: vacant(t)}, chat(), calm)
	wantFailure(t, answer, err, model.ConnectFailed, http.StatusBadGateway, true)
}

func TestAnEndpointWithoutTLSIsNoEndpointWithTLS(t *testing.T) {
	at := endpoint(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	answer, err := Upgrade(t.Context(), Endpoint{Address: at, TLS: endpoints(t, model.BackendTLS{})}, chat(), calm)
	wantFailure(t, answer, err, model.ConnectFailed, http.StatusBadGateway, true)
}

func TestAnEndpointThatNeverFinishesTLSIsTooLateToConnect(t *testing.T) {
	answer, err := Upgrade(t.Context(), Endpoint{Address: endpoint(t, silent), TLS: endpoints(t, model.BackendTLS{})}, chat(), Timeouts{Connect: brief})
	wantFailure(t, answer, err, model.ConnectTimeout, http.StatusGatewayTimeout, true)
}

func TestAnEndpointThatSaysNothingTimesOut(t *testing.T) {
	for name, said := range map[string]string{"nothing": "", "half a head": good101[:40], "only hints": "HTTP/1.1 103 x\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			answer, err := Upgrade(t.Context(), Endpoint{Address: endpoint(t, answering(said))}, chat(), Timeouts{Handshake: brief})
			wantFailure(t, answer, err, model.HandshakeTimeout, http.StatusGatewayTimeout, false)
		})
	}
}

func TestAnEndpointThatHangsUp(t *testing.T) {
	post := &Request{Method: "POST", URI: "/exec", Host: "a", Upgrade: "spdy/3.1"}
	for _, c := range []struct {
		name   string
		script func(net.Conn)
		r      *Request
		retry  bool
	}{
		{"resets before a word", resetting(""), chat(), true},
		{"closes before a word", func(conn net.Conn) { readRequest(conn) }, chat(), true},
		{"closes at once", func(net.Conn) {}, chat(), true},
		{"closes before a word, on a POST", func(conn net.Conn) { readRequest(conn) }, post, false},
		{"closes in the head", func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, good101[:50]) }, chat(), false},
		{"closes after one byte", func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, "H") }, chat(), false},
		{"closes after hints", func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, "HTTP/1.1 103 x\r\n\r\n") }, chat(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, err := Upgrade(t.Context(), Endpoint{Address: endpoint(t, c.script)}, c.r, calm)
			wantFailure(t, answer, err, model.EndpointReset, http.StatusBadGateway, c.retry)
		})
	}
}

func TestABrokenAnswerIsABadUpgradeAndTheConnectionEnds(t *testing.T) {
	swap := func(old, replacement string) string { return strings.Replace(good101, old, replacement, 1) }
	for name, raw := range map[string]string{
		"another key":         swap("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		"no accept":           swap("Sec-WebSocket-Accept", "X-Accept"),
		"another protocol":    swap("Upgrade: websocket", "Upgrade: h2c"),
		"no Connection":       swap("Connection: Upgrade\r\n", ""),
		"not HTTP":            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
		"not a header":        swap("Upgrade: websocket", "Upgrade"),
		"a huge head":         strings.TrimSuffix(good101, "\r\n") + "X-Huge: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
		"a head without end":  "HTTP/1.1 101 " + strings.Repeat("x", 2*maxHead),
		"hints without end":   strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20) + good101,
		"huge hints, then OK": "HTTP/1.1 103 x\r\nLink: " + strings.Repeat("x", maxHead-100) + "\r\n\r\n" + good101,
	} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{})
			at := endpoint(t, func(conn net.Conn) {
				answering(raw)(conn)
				close(left)
			})
			answer, err := Upgrade(t.Context(), Endpoint{Address: at}, chat(), calm)
			wantFailure(t, answer, err, model.BadUpgrade, http.StatusBadGateway, false)
			select {
			case <-left:
			case <-time.After(patience):
				t.Error("the endpoint still holds the connection")
			}
		})
	}
}

func TestALargeHeadWithinTheBoundIsFine(t *testing.T) {
	raw := strings.TrimSuffix(good101, "\r\n") + "X-Large: " + strings.Repeat("x", maxHead-1024) + "\r\n\r\n" + strings.Repeat("frame", 100)
	upgrade(t, Endpoint{Address: endpoint(t, answering(raw))}, chat(), calm)
}

func TestAClientThatLeavesEndsTheAttemptAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		tls  bool
		said string
	}{
		{"while TLS begins", true, ""},
		{"while the answer is awaited", false, ""},
		{"in the middle of the head", false, good101[:50]},
	} {
		t.Run(c.name, func(t *testing.T) {
			ready := make(chan struct{})
			at := endpoint(t, func(conn net.Conn) {
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					t.Errorf("endpoint: %v", err)
				}
				_, _ = io.WriteString(conn, c.said)
				close(ready)
				silent(conn)
			})
			e := Endpoint{Address: at}
			if c.tls {
				e.TLS = endpoints(t, model.BackendTLS{})
			}
			answer, err := Upgrade(cancelWhen(t, ready), e, chat(), calm)
			wantFailure(t, answer, err, model.ClientGone, statusClientGone, false)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the cause is missing: %v", err)
			}
		})
	}
	t.Run("before the dial", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		answer, err := Upgrade(ctx, Endpoint{Address: vacant(t)}, chat(), calm)
		wantFailure(t, answer, err, model.ClientGone, statusClientGone, false)
	})
}

func TestATunnelIsNotTiedToTheRequest(t *testing.T) {
	at := endpoint(t, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, good101)
		_, _ = io.Copy(conn, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := Upgrade(ctx, Endpoint{Address: at}, chat(), calm)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Close() }()
	cancel()
	if _, err := io.WriteString(answer.Conn, "ping"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 4)
	if _, err := io.ReadFull(answer.Conn, echo); err != nil || string(echo) != "ping" {
		t.Errorf("%q, %v", echo, err)
	}
}
