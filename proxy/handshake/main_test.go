package handshake

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; nothing should come near it.
const patience = 10 * time.Second

const (
	exampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="     // RFC 6455 section 1.3
	exampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // its answer
)

// opening is a good WebSocket request.
const opening = "GET /chat HTTP/1.1\r\nHost: chat.example.com\r\nConnection: keep-alive, Upgrade\r\n" +
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + exampleKey + "\r\n\r\n"

// serve runs handler behind a real listener until the test ends and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// caller is a client that writes bytes, not requests.
type caller struct {
	t *testing.T
	net.Conn
	reader *bufio.Reader
}

func call(t *testing.T, address, raw string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, Conn: conn, reader: bufio.NewReader(conn)}
	c.say(raw)
	return c
}

func (c *caller) say(raw string) {
	c.t.Helper()
	if _, err := c.Write([]byte(raw)); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads exactly what is expected.
func (c *caller) hear(want string) {
	c.t.Helper()
	var got strings.Builder
	for got.Len() < len(want) {
		b, err := c.reader.ReadByte()
		if err != nil {
			c.t.Fatalf("heard %q, then %v; want %q", got.String(), err, want)
		}
		got.WriteByte(b)
	}
	if got.String() != want {
		c.t.Fatalf("heard %q, want %q", got.String(), want)
	}
}

// head reads up to the blank line.
func (c *caller) head() string {
	c.t.Helper()
	var head strings.Builder
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			c.t.Fatalf("heard %q, then %v", head.String(), err)
		}
		if line == "\r\n" {
			return head.String()
		}
		head.WriteString(line)
	}
}

// response reads an answer; its body must be read before the next.
func (c *caller) response() *http.Response {
	c.t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// request parses a raw request as net/http's server does, from a peer.
func request(t *testing.T, raw, peer string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = peer
	return r
}

// answer parses a raw answer of an endpoint.
func answer(t *testing.T, raw string) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}
