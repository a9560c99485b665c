package wire

import (
	"bytes"
	"errors"
	"testing"
)

// What a client sends, a server reads: whatever the size, and however little of it has come.
func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 128, 1 << 16, 1<<16 + 1} {
		payload := Payload(size)
		frame := ClientFrame(payload)
		h, ok := ParseHeader(frame)
		if !ok || h.First != 0x82 || h.Length != size || h.Size+h.Length != len(frame) {
			t.Fatalf("%d bytes: read as %+v, %v", size, h, ok)
		}
		if got := AppendXOR(nil, frame[h.Size:], h.Mask); !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: unmasked to something else", size)
		}
		for n := range h.Size {
			if _, ok := ParseHeader(frame[:n]); ok {
				t.Errorf("%d bytes: %d of %d bytes of a header were enough", size, n, h.Size)
			}
		}
		back := ServerFrame(payload)
		h, ok = ParseHeader(back)
		if !ok || h.Mask != 0 || !bytes.Equal(back[h.Size:], payload) {
			t.Errorf("%d bytes: a server's frame is read as %+v, %v", size, h, ok)
		}
	}
}

// A handshake goes through a proxy that writes header names in its own way.
func TestHandshake(t *testing.T) {
	head, rest, ok := Head(append(Request("a.example.com", "/echo"), "more"...))
	if !ok || string(rest) != "more" {
		t.Fatalf("the head ends before %q, %v", rest, ok)
	}
	answer, path, err := Answer(bytes.Replace(head, []byte("Sec-WebSocket-Key"), []byte("sec-websocket-key"), 1))
	if err != nil || path != "/echo" {
		t.Fatalf("path %q, %v", path, err)
	}
	if err := Check(answer); err != nil {
		t.Error(err)
	}
	for _, refused := range []string{
		"HTTP/1.1 503 Service Unavailable\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", // to another key
	} {
		if err := Check([]byte(refused)); !errors.Is(err, ErrNotSwitched) {
			t.Errorf("%q: %v", refused, err)
		}
	}
	if _, _, err := Answer([]byte("GET / HTTP/1.1\r\n\r\n")); err == nil {
		t.Error("a request without a key was answered")
	}
}
