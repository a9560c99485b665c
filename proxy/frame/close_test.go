package frame

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCloseOnTheWire(t *testing.T) {
	long := strings.Repeat("é", 80)
	tests := []struct {
		name   string
		code   int
		reason string
		text   string // what arrives
		bare   bool   // without a body
	}{
		{"going away", 1001, "idle for 1h0m0s", "idle for 1h0m0s", false},
		{"without text", 1012, "", "", false},
		{"an application's code", 4000, "x", "x", false},
		{"cut between two runes", 1001, long, strings.Repeat("é", 61), false},
		{"cut at the last byte that fits", 1001, strings.Repeat("x", 200), strings.Repeat("x", 123), false},
		{"bytes that are no text", 1001, "a\xffb", "a\uFFFDb", false},
		{"no code", 0, "dropped", "", true},
		{"no status received", 1005, "", "", true},
		{"abnormal closure", 1006, "", "", true},
		{"TLS handshake", 1015, "", "", true},
		{"unassigned", 2000, "", "", true},
		{"out of range", 65536 + 1000, "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := &[4]byte{1, 2, 3, 0xff}
			for _, key := range []*[4]byte{nil, key} {
				got := AppendClose([]byte("before"), tt.code, tt.reason, key)
				payload := unwrap(t, got, key)
				if tt.bare {
					if len(payload) != 0 {
						t.Fatalf("payload % x, want none", payload)
					}
					continue
				}
				if code := binary.BigEndian.Uint16(payload); int(code) != tt.code {
					t.Errorf("code %d, want %d", code, tt.code)
				}
				if text := string(payload[2:]); text != tt.text || !utf8.ValidString(text) {
					t.Errorf("text %q, want %q", text, tt.text)
				}
			}
		})
	}
}

// unwrap takes a Close frame behind "before" apart.
func unwrap(t *testing.T, out []byte, key *[4]byte) []byte {
	t.Helper()
	frame, ok := bytes.CutPrefix(out, []byte("before"))
	if !ok || frame[0] != 0x88 {
		t.Fatalf("% x is no Close frame behind what was there", out)
	}
	length, payload := int(frame[1]&0x7f), frame[2:]
	if (key != nil) != (frame[1]&0x80 != 0) {
		t.Fatalf("masked: %v", key == nil)
	}
	if key != nil {
		if !bytes.Equal(payload[:4], key[:]) {
			t.Fatalf("key % x, want % x", payload[:4], *key)
		}
		payload = bytes.Clone(payload[4:])
		for i := range payload {
			payload[i] ^= key[i%4]
		}
	}
	if len(payload) != length || length > 125 {
		t.Fatalf("length %d with %d bytes", length, len(payload))
	}
	return payload
}
