package feature

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/test/chat"
)

// client is somebody out there.
type client struct {
	w           *world
	address     string          // where it comes from
	certificate tls.Certificate // what it shows of itself
}

// from returns a client at an address of 127.0.0.0/8.
func (w *world) from(address string) *client { return &client{w: w, address: address} }

// showing returns a client with a certificate.
func (w *world) showing(c tls.Certificate) *client {
	return &client{w: w, address: "127.0.0.1", certificate: c}
}

func (w *world) somebody() *client { return w.from("127.0.0.1") }

// place cuts a URL into where to dial and what to ask for: "https://" in front means the TLS port, and
// nothing the other one.
func (c *client) place(where string) (secure bool, at net.Addr, host, path string) {
	where, secure = strings.CutPrefix(where, "https://")
	host, path, _ = strings.Cut(where, "/")
	plain, encrypted, _ := c.w.server.Addrs()
	if at = plain; secure {
		at = encrypted
	}
	return secure, at, host, "/" + path
}

func (c *client) dialer() *net.Dialer {
	return &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.address)}}
}

func (c *client) tls(host string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: host, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &c.certificate, nil // whichever authorities the server names
	}}
}

// header reads lines of "Name: value".
func header(lines []string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// dial does a handshake.
func (c *client) dial(where string, lines ...string) (*websocket.Conn, *http.Response, error) {
	secure, at, host, path := c.place(where)
	h := header(append(lines, "Host: "+host))
	d := websocket.Dialer{HandshakeTimeout: patience, NetDialContext: c.dialer().DialContext, TLSClientConfig: c.tls(host)}
	d.Subprotocols = slices.Clone(h["Sec-Websocket-Protocol"])
	h.Del("Sec-WebSocket-Protocol")
	scheme := "ws://"
	if secure {
		scheme = "wss://"
	}
	return d.DialContext(c.w.t.Context(), scheme+at.String()+path, h)
}

// open does a handshake that must succeed. The pod echoes what is said.
func (c *client) open(where string, lines ...string) *socket {
	c.w.t.Helper()
	conn, answer, err := c.dial(where, lines...)
	if err != nil {
		body := ""
		if answer != nil {
			content, _ := io.ReadAll(answer.Body)
			body = string(content)
		}
		c.w.t.Fatalf("open %s: %v %s\n%s\ntold: %q", where, err, body, c.w.server.Table(), c.w.told.all())
	}
	return c.w.adopt(conn, answer)
}

// answer is what a client got instead of a socket.
type answer struct {
	*http.Response
	body string
}

// reason is the word with which Fairlead refuses.
func (a answer) reason() string {
	reason, _, found := strings.Cut(a.body, ": ")
	if !found {
		return ""
	}
	return reason
}

// refused does a handshake that must fail.
func (c *client) refused(where string, lines ...string) answer {
	c.w.t.Helper()
	conn, got, err := c.dial(where, lines...)
	if err == nil {
		_ = conn.Close()
		c.w.t.Fatalf("%s was opened, at %s\n%s", where, got.Header.Get(chat.HeaderPod), c.w.server.Table())
	}
	if got == nil {
		c.w.t.Fatalf("open %s: %v", where, err)
	}
	body, _ := io.ReadAll(got.Body)
	return answer{got, string(body)}
}

// wantRefused does a handshake that must be refused with this status and reason.
func (c *client) wantRefused(status int, reason, where string, lines ...string) answer {
	c.w.t.Helper()
	got := c.refused(where, lines...)
	if got.StatusCode != status || got.reason() != reason {
		c.w.t.Errorf("socket %s %q: %d %s, want %d %s", where, lines, got.StatusCode, got.body, status, reason)
	}
	return got
}

// get asks for a page.
func (c *client) get(where string, lines ...string) answer {
	c.w.t.Helper()
	return c.ask(http.MethodGet, where, nil, lines...)
}

// ask does a plain request.
func (c *client) ask(method, where string, content io.Reader, lines ...string) answer {
	c.w.t.Helper()
	secure, at, host, path := c.place(where)
	target, err := url.Parse("http://" + at.String() + path)
	if err != nil {
		c.w.t.Fatal(err)
	}
	transport := c.w.plain.Clone()
	transport.DialContext = c.dialer().DialContext
	if secure {
		target.Scheme, transport.TLSClientConfig = "https", c.tls(host)
	}
	ctx, cancel := context.WithTimeout(c.w.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), content)
	if err != nil {
		c.w.t.Fatal(err)
	}
	request.Host, request.Header = host, header(lines)
	got, err := transport.RoundTrip(request)
	if err != nil {
		c.w.t.Fatalf("%s %s (%d bytes): %v", method, where, request.ContentLength, err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return answer{got, string(body)}
}

// wantPage asks for a page that must come with this status and, if it is a refusal, reason.
func (c *client) wantPage(status int, reason, where string, lines ...string) answer {
	c.w.t.Helper()
	got := c.get(where, lines...)
	if got.StatusCode != status || got.reason() != reason && reason != "" {
		c.w.t.Errorf("page %s %q: %d %.200s, want %d %s", where, lines, got.StatusCode, got.body, status, reason)
	}
	return got
}

// wantRedirect asks for a page that must lead elsewhere.
func (c *client) wantRedirect(status int, to, where string, lines ...string) {
	c.w.t.Helper()
	got := c.get(where, lines...)
	if at := got.Header.Get("Location"); got.StatusCode != status || at != to {
		c.w.t.Errorf("page %s: %d to %q, want %d to %q", where, got.StatusCode, at, status, to)
	}
}

// What nobody in particular does.

func (w *world) open(where string, lines ...string) *socket {
	w.t.Helper()
	return w.somebody().open(where, lines...)
}

func (w *world) wantRefused(status int, reason, where string, lines ...string) answer {
	w.t.Helper()
	return w.somebody().wantRefused(status, reason, where, lines...)
}

func (w *world) wantPage(status int, reason, where string, lines ...string) answer {
	w.t.Helper()
	return w.somebody().wantPage(status, reason, where, lines...)
}

func (w *world) wantRedirect(status int, to, where string, lines ...string) {
	w.t.Helper()
	w.somebody().wantRedirect(status, to, where, lines...)
}

// fetch asks for a page.
func (w *world) fetch(where string) (*http.Response, string) {
	w.t.Helper()
	got := w.somebody().get(where)
	return got.Response, got.body
}

// socket is a client's open WebSocket to an echo.
type socket struct {
	*websocket.Conn
	t      *testing.T
	w      *world
	answer *http.Response
}

func (w *world) adopt(conn *websocket.Conn, answer *http.Response) *socket {
	w.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{conn, w.t, w, answer}
	s.hear() // the greeting
	w.sockets = append(w.sockets, s)
	return s
}

// openTLS dials wss for the host and accepts any certificate, whose name it returns.
func (w *world) openTLS(host string) (*socket, string) {
	w.t.Helper()
	return w.shown(w.open("https://" + host + "/socket?mode=echo"))
}

// shown returns the name in the certificate that a socket was shown.
func (w *world) shown(s *socket) (*socket, string) {
	return s, s.NetConn().(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
}

// pod is the name of the pod that has the socket.
func (s *socket) pod() string { return s.answer.Header.Get(chat.HeaderPod) }

func (s *socket) hear() string {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, message, err := s.ReadMessage()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(message)
}

// echoes says something and must hear it back.
func (s *socket) echoes() {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte("ahoy")); err != nil {
		s.t.Fatal(err)
	}
	if got := s.hear(); got != "ahoy" {
		s.t.Fatalf("said ahoy, heard %q", got)
	}
}

// leaves says that the socket need not live on.
func (s *socket) leaves() *socket {
	s.w.sockets = slices.DeleteFunc(s.w.sockets, func(one *socket) bool { return one == s })
	return s
}

// hangUp ends the socket as browsers do, and waits for the end.
func (s *socket) hangUp() {
	s.t.Helper()
	s.leaves()
	_ = s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(patience))
	s.code()
	_ = s.Close()
}

// code waits for the end and returns the code of the Close frame, 1006 without one.
func (s *socket) code() int {
	s.t.Helper()
	s.leaves()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := s.ReadMessage()
		if c := (*websocket.CloseError)(nil); errors.As(err, &c) {
			return c.Code
		}
		if err != nil {
			s.t.Logf("ended with %v", err)
			return websocket.CloseAbnormalClosure
		}
	}
}

// dropSockets ends all sockets, as at the end of a chapter.
func (w *world) dropSockets() {
	for _, s := range slices.Clone(w.sockets) {
		_ = s.leaves().Close()
	}
}
