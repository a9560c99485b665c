package frame

import (
	"bytes"
	"testing"
)

func TestPingOnTheWire(t *testing.T) {
	tests := []struct {
		name string
		key  *[4]byte
		want []byte
	}{
		{"to a client", nil, []byte{0x89, 8, 1, 2, 3, 4, 5, 6, 7, 0xff}},
		{"to an endpoint", &[4]byte{0xf0, 0, 0, 1}, []byte{0x89, 0x88, 0xf0, 0, 0, 1, 0xf1, 2, 3, 5, 0xf5, 6, 7, 0xfe}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := AppendPing([]byte("before"), 0x01020304050607ff, tt.key)
			if !bytes.Equal(got, append([]byte("before"), tt.want...)) {
				t.Errorf("% x, want % x behind what was there", got, tt.want)
			}
		})
	}
}

// A Ping goes one way and its answer comes back the other, with the mask of whoever sends it.
func TestPingAndItsPong(t *testing.T) {
	for _, keys := range []struct {
		name       string
		ping, pong *[4]byte
	}{
		{"a client answers", nil, &testKey},
		{"an endpoint answers", &testKey, nil},
	} {
		t.Run(keys.name, func(t *testing.T) {
			ping := AppendPing(nil, testToken, keys.ping)
			payload := bytes.Clone(ping[len(ping)-8:])
			for i := range payload {
				if keys.ping != nil {
					payload[i] ^= keys.ping[i%4]
				}
			}
			var f Follower
			out, _, answered := f.Filter(nil, build(0x8a, 7, payload, keys.pong), testToken)
			if len(out) > 0 || !answered {
				t.Errorf("% x passed on, answered %v", out, answered)
			}
		})
	}
}
