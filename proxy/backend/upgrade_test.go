package backend

import (
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestTheRequestGoesOutAsTheRFCSpellsIt(t *testing.T) {
	heads := make(chan string, 1)
	at := endpoint(t, func(conn net.Conn) {
		heads <- readRequest(conn)
		_, _ = io.WriteString(conn, good101)
	})
	r := chat()
	r.Header = maps.All(http.Header{
		"Host": {"other.example"}, "Connection": {"close"}, "Upgrade": {"h2c"}, "Content-Length": {"5"},
		"Transfer-Encoding": {"chunked"}, "Sec-Websocket-Key": {"other"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Protocol": {"chat", "superchat"}, "Sec-Websocket-Extensions": {"permessage-deflate"},
		"X-Split": {"a\r\nX-Forged: 1"}, "Cookie": {"a=b"},
	})
	upgrade(t, Endpoint{Address: at}, r, calm)
	begin := "GET /chat?room=1 HTTP/1.1\r\nHost: chat.example.com:8080\r\nConnection: Upgrade\r\n" +
		"Upgrade: websocket\r\nSec-WebSocket-Key: " + exampleKey + "\r\n"
	got := <-heads
	rest, ok := strings.CutPrefix(got, begin)
	if !ok {
		t.Fatalf("sent %q\nwant %q first", got, begin)
	}
	lines := strings.Split(rest, "\r\n")
	// The order of different headers means nothing (RFC 9110 section 5.3), that of one's lines does.
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(before(a), before(b)) })
	if want := []string{
		"", "", "Cookie: a=b", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat",
		"Sec-WebSocket-Protocol: superchat", "Sec-WebSocket-Version: 13", "X-Split: a  X-Forged: 1",
	}; !slices.Equal(lines, want) || !strings.HasSuffix(rest, "\r\n\r\n") {
		t.Errorf("sent %q\nwant %q", lines, want)
	}
}

// before returns the name in a header line.
func before(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name
}

func TestOtherUpgradesPassWithoutAKey(t *testing.T) {
	heads := make(chan string, 1)
	at := endpoint(t, func(conn net.Conn) {
		heads <- readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
	})
	upgrade(t, Endpoint{Address: at}, &Request{Method: "POST", URI: "/exec", Host: "a", Upgrade: "spdy/3.1"}, calm)
	want := "POST /exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: spdy/3.1\r\nContent-Length: 0\r\n\r\n"
	if got := <-heads; got != want {
		t.Errorf("sent %q\nwant %q", got, want)
	}
}

// Frames that come with the 101 belong to the tunnel, whatever the segments.
func TestFramesBehindThe101AreNotLost(t *testing.T) {
	frames := strings.Repeat("\x82\x7d"+strings.Repeat("x", 125), 200)
	hints := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Length: 9\r\n\r\n"
	for _, c := range []struct {
		name   string
		pieces []string
	}{
		{"one segment", []string{good101 + frames}},
		{"byte by byte", strings.Split(good101+frames[:300], "")},
		{"head, then frames", []string{good101, frames}},
		{"early hints first", []string{hints, good101, frames}},
		{"early hints in the same segment", []string{hints + good101 + frames}},
		{"split in the last line break", []string{good101[:len(good101)-1], good101[len(good101)-1:] + frames}},
	} {
		script := func(conn net.Conn) {
			readRequest(conn)
			for _, piece := range c.pieces {
				if _, err := io.WriteString(conn, piece); err != nil {
					return
				}
			}
		}
		names := make(chan string, 1)
		for name, e := range map[string]Endpoint{
			"plain": {Address: endpoint(t, script)},
			"TLS":   {Address: secureEndpoint(t, names, script), TLS: endpoints(t, model.BackendTLS{})},
		} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				answer := upgrade(t, e, chat(), calm)
				rest, err := io.ReadAll(answer.Conn)
				if err != nil {
					t.Fatal(err)
				}
				_, want, _ := strings.Cut(strings.Join(c.pieces, ""), good101)
				if got := string(answer.Rest) + string(rest); got != want {
					t.Errorf("%d bytes arrived, want %d", len(got), len(want))
				}
				if answer.Response.StatusCode != http.StatusSwitchingProtocols {
					t.Errorf("status %d", answer.Response.StatusCode)
				}
			})
		}
	}
}

func TestTheTunnelOutlivesTheHandshakeTimeout(t *testing.T) {
	const timeout = brief
	at := endpoint(t, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, good101)
		time.Sleep(2 * timeout) // the very time that must not matter
		_, _ = io.WriteString(conn, "late")
	})
	answer := upgrade(t, Endpoint{Address: at}, chat(), Timeouts{Connect: patience, Handshake: timeout})
	if late, err := io.ReadAll(answer.Conn); err != nil || string(late) != "late" {
		t.Errorf("read %q, %v", late, err)
	}
}

func TestTLSNamesTheHostAndSpeaksHTTP1(t *testing.T) {
	names := make(chan string, 1)
	at := secureEndpoint(t, names, func(conn net.Conn) {
		readRequest(conn)
		protocol := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
		_, _ = io.WriteString(conn, strings.Replace(good101, "\r\n\r\n", "\r\nX-Alpn: "+protocol+"\r\n\r\n", 1))
	})
	for _, c := range []struct{ host, given, want string }{
		{"chat.example.com:8080", "", "chat.example.com"},
		{"chat.example.com", "", "chat.example.com"},
		{"chat.example.com", "inner.example", "inner.example"},
		{"[::1]:8080", "", ""}, // an address is no SNI (RFC 6066 section 3)
	} {
		r := chat()
		r.Host = c.host
		answer := upgrade(t, Endpoint{Address: at, TLS: endpoints(t, model.BackendTLS{ServerName: c.given})}, r, calm)
		if got := <-names; got != c.want {
			t.Errorf("host %q and name %q gave SNI %q, want %q", c.host, c.given, got, c.want)
		}
		if got := answer.Response.Header.Get("X-Alpn"); got != "http/1.1" {
			t.Errorf("ALPN chose %q", got)
		}
	}
}

func TestARefusalOfTheEndpointComesWithItsBody(t *testing.T) {
	at := endpoint(t, answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno!\r\n"))
	answer := upgrade(t, Endpoint{Address: at}, chat(), calm)
	body, err := io.ReadAll(answer.Response.Body)
	if err != nil || string(body) != "no!\r\n" || answer.Response.StatusCode != http.StatusForbidden {
		t.Errorf("%d %q, %v", answer.Response.StatusCode, body, err)
	}
}

func TestAnAnswerStreamsUntilItIsClosedOrTheClientGoes(t *testing.T) {
	chunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
	for _, c := range []struct {
		name string
		end  func(*Answer, chan struct{})
	}{
		{"closed", func(a *Answer, _ chan struct{}) { _ = a.Close() }},
		{"client gone", func(_ *Answer, gone chan struct{}) { close(gone) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := make(chan struct{})
			at := endpoint(t, func(conn net.Conn) {
				answering(chunks)(conn)
				close(left)
			})
			gone := make(chan struct{})
			answer, err := Upgrade(cancelWhen(t, gone), Endpoint{Address: at}, chat(), Timeouts{Handshake: patience})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Close() }()
			first := make([]byte, 3)
			if _, err := io.ReadFull(answer.Response.Body, first); err != nil || string(first) != "one" {
				t.Fatalf("read %q, %v", first, err)
			}
			c.end(answer, gone)
			if _, err := io.ReadAll(answer.Response.Body); err == nil {
				t.Error("half a body looked whole")
			}
			select {
			case <-left:
			case <-time.After(patience):
				t.Error("the endpoint still holds the connection")
			}
			if c.name == "closed" {
				close(gone)
			}
		})
	}
}

func TestARequestThatCouldSmuggleIsNotSent(t *testing.T) {
	for name, change := range map[string]func(*Request){
		"a line break in the path": func(r *Request) { r.URI = "/a HTTP/1.1\r\nX-Forged: 1\r\n\r\n" },
		"an absolute path":         func(r *Request) { r.URI = "http://other.example/" },
		"no path":                  func(r *Request) { r.URI = "" },
		"a blank in the method":    func(r *Request) { r.Method = "GET /x" },
		"a line break in the host": func(r *Request) { r.Host = "a\r\nX-Forged: 1" },
	} {
		t.Run(name, func(t *testing.T) {
			at := endpoint(t, func(net.Conn) { t.Error("connected") })
			r := chat()
			change(r)
			answer, err := Upgrade(t.Context(), Endpoint{Address: at}, r, calm)
			wantFailure(t, answer, err, model.BadHandshake, http.StatusBadRequest, false)
		})
	}
}
