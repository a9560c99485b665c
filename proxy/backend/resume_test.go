package backend

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// saying is a script that says the rest of an answer and then hangs up.
func saying(raw string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, raw) }
}

// connected dials an endpoint as somebody else did, who sent the request and gave up half-way.
func connected(t *testing.T, at netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Wherever the first reader stopped, nothing is lost and nothing is read twice.
func TestAnAnswerIsReadOnFromWhereverSomebodyStopped(t *testing.T) {
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
	large := strings.Repeat("frame", 2000) // more than a reader buffers
	for _, c := range []struct{ name, raw, after string }{
		{"a 101 with frames", good101 + "frame", "frame"},
		{"hints, then a 101", hints + good101 + "frame", "frame"},
		{"a 101 with many frames", good101 + large, large},
	} {
		for _, stop := range []int{0, 1, len(good101) - 1, len(good101), len(c.raw) - 1, len(c.raw)} {
			conn := connected(t, endpoint(t, saying(c.raw[stop:])))
			answer, err := Resume(t.Context(), conn, []byte(c.raw[:stop]), chat(), patience)
			if err != nil {
				t.Errorf("%s, stopped at %d: %v", c.name, stop, err)
				continue
			}
			rest, err := io.ReadAll(answer.Conn)
			if err != nil || string(answer.Rest)+string(rest) != c.after {
				t.Errorf("%s, stopped at %d: %d and %d bytes behind it, want %d; %v",
					c.name, stop, len(answer.Rest), len(rest), len(c.after), err)
			}
		}
	}
}

func TestARefusalThatWasHalfReadStillComesWithItsBody(t *testing.T) {
	body := strings.Repeat("no! ", 3000)
	raw := "HTTP/1.1 403 Forbidden\r\nContent-Length: 12000\r\n\r\n" + body
	for _, stop := range []int{0, 20, len(raw) - len(body), len(raw) - 5000, len(raw)} {
		conn := connected(t, endpoint(t, saying(raw[stop:])))
		answer, err := Resume(t.Context(), conn, []byte(raw[:stop]), chat(), patience)
		if err != nil {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		got, err := io.ReadAll(answer.Response.Body)
		if err != nil || string(got) != body || answer.Response.StatusCode != http.StatusForbidden {
			t.Errorf("stopped at %d: %d, %d bytes, %v", stop, answer.Response.StatusCode, len(got), err)
		}
		if err := answer.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatGoesWrongLaterReadsAsItAlwaysDoes(t *testing.T) {
	post := &Request{Method: "POST", URI: "/exec", Host: "a", Upgrade: "spdy/3.1"}
	for _, c := range []struct {
		name   string
		seen   string
		script func(net.Conn)
		r      *Request
		reason model.Reason
		status int
		retry  bool
	}{
		{"hangs up before a word", "", func(net.Conn) {}, chat(), model.EndpointReset, 502, true},
		{"hangs up before a word, on a POST", "", func(net.Conn) {}, post, model.EndpointReset, 502, false},
		{"hangs up in the head", good101[:9], saying(good101[9:30]), chat(), model.EndpointReset, 502, false},
		{"hangs up after what was seen", "H", func(net.Conn) {}, chat(), model.EndpointReset, 502, false},
		{"says no more", good101[:30], silent, chat(), model.HandshakeTimeout, 504, false},
		{"is not HTTP", "SSH-2.0-Open", saying("SSH_9.9\r\n\r\n"), chat(), model.BadUpgrade, 502, false},
		{"answers another key", strings.Replace(good101, "s3p", "AAA", 1), silent, chat(), model.BadUpgrade, 502, false},
		{"has no end", "HTTP/1.1 101 " + strings.Repeat("x", maxHead), silent, chat(), model.BadUpgrade, 502, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := connected(t, endpoint(t, c.script))
			timeout := patience
			if c.reason == model.HandshakeTimeout {
				timeout = brief
			}
			answer, err := Resume(t.Context(), conn, []byte(c.seen), c.r, timeout)
			wantFailure(t, answer, err, c.reason, c.status, c.retry)
			if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), net.ErrClosed.Error()) {
				t.Errorf("the connection is left open: %v", err)
			}
		})
	}
}

func TestAClientThatLeavesEndsAResumedAttemptToo(t *testing.T) {
	gone := make(chan struct{})
	conn := connected(t, endpoint(t, func(conn net.Conn) {
		close(gone)
		silent(conn)
	}))
	answer, err := Resume(cancelWhen(t, gone), conn, []byte(good101[:30]), chat(), patience)
	wantFailure(t, answer, err, model.ClientGone, statusClientGone, false)
}

// The head is the same, whoever writes it to the endpoint.
func TestAHeadIsAppendedToWhatIsThere(t *testing.T) {
	head, failure := chat().AppendHead([]byte("before"))
	if failure != nil {
		t.Fatal(failure)
	}
	rest, ok := bytes.CutPrefix(head, []byte("before"))
	sent := make(chan string, 1)
	upgrade(t, Endpoint{Address: endpoint(t, func(conn net.Conn) {
		sent <- readRequest(conn)
		_, _ = io.WriteString(conn, good101)
	})}, chat(), Timeouts{Handshake: time.Minute})
	if want := <-sent; !ok || string(rest) != want {
		t.Errorf("appended %q, sent %q", head, want)
	}
}
