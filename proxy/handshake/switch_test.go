package handshake

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestThe101ArrivesAsTheEndpointSentIt(t *testing.T) {
	from := answer(t, "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: upgrade, X-Hop\r\n"+
		"sec-websocket-accept: "+exampleAccept+"\r\nSec-WebSocket-Protocol: chat\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n"+
		"Set-Cookie: theirs=1\r\n\r\n")
	from.Header.Set("X-Split", "a\r\nSet-Cookie: forged=1")
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Unused", "of the ResponseWriter")
		conn, early, err := Switch(w, from, http.Header{"Set-Cookie": {"FAIRLEAD=x; Path=/; HttpOnly"}})
		if err != nil {
			t.Errorf("switch: %v", err)
			return
		}
		_, _ = conn.Write(early)
		_ = conn.Close()
	})
	client := call(t, address, opening)
	head := strings.Split(client.head(), "\r\n")
	if head[0] != "HTTP/1.1 101 Switching Protocols" || head[1] != "Connection: Upgrade" || head[2] != "Upgrade: WebSocket" {
		t.Errorf("begins with %q", head[:3])
	}
	want := map[string]bool{
		"Sec-WebSocket-Accept: " + exampleAccept: true, "Sec-WebSocket-Protocol: chat": true,
		"Sec-WebSocket-Extensions: permessage-deflate": true, "X-Split: a  Set-Cookie: forged=1": true,
		"Set-Cookie: theirs=1": true, "Set-Cookie: FAIRLEAD=x; Path=/; HttpOnly": true, "": true,
	}
	for _, line := range head[3:] {
		if !want[line] {
			t.Errorf("unexpected line %q", line)
		}
		delete(want, line)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestFramesRightBehindTheRequestAreKept(t *testing.T) {
	frame := strings.Repeat("frame behind the request;", 400) // more than the server buffers
	client := call(t, serve(t, doorman(t)), opening+frame)
	client.head()
	client.hear(frame)
	client.say("and later")
	client.hear("and later")
}

// surrender is a ResponseWriter that gives up its connection.
type surrender struct {
	http.ResponseWriter
	conn net.Conn
}

func (s surrender) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return s.conn, bufio.NewReadWriter(bufio.NewReader(s.conn), bufio.NewWriter(s.conn)), nil
}

func TestATunnelMayBeSilentForAsLongAsItLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer func() { _ = client.Close() }()
		go func() {
			_, _ = io.ReadFull(client, make([]byte, len(good101)))
			time.Sleep(100 * switchTimeout)
			_, _ = io.WriteString(client, "x")
		}()
		conn, _, err := Switch(surrender{conn: server}, answer(t, good101), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err = io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestAClientThatStopsReadingDoesNotHoldTheSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer func() { _ = client.Close() }()
		begun := time.Now()
		if _, _, err := Switch(surrender{conn: server}, answer(t, good101), nil); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begun); took != switchTimeout {
			t.Errorf("took %v", took)
		}
		if _, err := client.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}

func TestAWriterThatCanNotBeTakenOverIsAnError(t *testing.T) {
	if _, _, err := Switch(httptest.NewRecorder(), answer(t, good101), nil); err == nil {
		t.Error("no error")
	}
}
