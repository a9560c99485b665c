package wire

import (
	"bytes"
	"crypto/sha1" // RFC 6455 section 4.2.2 wants it
	"encoding/base64"
	"errors"
	"fmt"
)

// key is the Sec-WebSocket-Key of every request; one is as good as another to a proxy.
const key = "ZmFpcmxlYWQgYmVuY2ghIQ=="

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

var (
	end       = []byte("\r\n\r\n")
	keyName   = []byte("sec-websocket-key:")
	accepted  = []byte(accept([]byte(key)))
	switching = []byte("HTTP/1.1 101 ")
)

// ErrNotSwitched tells that a handshake was answered otherwise than RFC 6455 section 4.2.2 wants.
var ErrNotSwitched = errors.New("the handshake was refused")

// Request is the head of an upgrade request, as long as one that a browser sends.
func Request(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n"+
		"Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"+
		"Upgrade: websocket\r\nOrigin: https://%s\r\nSec-WebSocket-Version: 13\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"+
		"Sec-WebSocket-Key: %s\r\n\r\n", path, host, host, key)
}

// Head cuts the head of a request or an answer off b; false: its end has not come yet.
func Head(b []byte) (head, rest []byte, ok bool) {
	i := bytes.Index(b, end)
	if i < 0 {
		return nil, b, false
	}
	return b[:i+len(end)], b[i+len(end):], true
}

// Answer is the answer to an upgrade request, and the path that it asks for.
func Answer(head []byte) (answer []byte, path string, err error) {
	words := bytes.SplitN(head, []byte(" "), 3)
	if len(words) < 3 {
		return nil, "", fmt.Errorf("not a request: %.40q", head)
	}
	lower := bytes.ToLower(head)
	at := bytes.Index(lower, keyName)
	if at < 0 {
		return nil, "", fmt.Errorf("no Sec-WebSocket-Key in %q", head)
	}
	line := head[at+len(keyName):]
	line = bytes.TrimSpace(line[:bytes.IndexByte(line, '\r')])
	return fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", accept(line)), string(words[1]), nil
}

// Check reports whether an answer to Request switches protocols.
func Check(head []byte) error {
	if !bytes.HasPrefix(head, switching) || !bytes.Contains(head, accepted) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		return fmt.Errorf("%w: %s", ErrNotSwitched, line)
	}
	return nil
}

// accept is the Sec-WebSocket-Accept to a key.
func accept(key []byte) string {
	sum := sha1.Sum(append(key[:len(key):len(key)], guid...))
	return base64.StdEncoding.EncodeToString(sum[:])
}
