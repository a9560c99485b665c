//go:build linux && !portable

package tunnel

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// A TLS connection keeps the buffer in which it gathered its largest record, 16 KiB and more, for
// as long as it lives: for a hundred thousand idle tunnels that is gigabytes. crypto/tls has no call
// to give it back, so its field is reached for. Where the field is not what is expected, as in
// another version of Go, nothing is given back; a test tells.

// keptInput is the size up to which the buffer stays: small messages should not allocate.
const keptInput = 1 << 10

// Where in a tls.Conn are the records that came, what of the last one is not read yet, which points
// into them, and handshake messages. -1: not there.
var (
	rawInputAt = offsetOf[bytes.Buffer]("rawInput")
	inputAt    = offsetOf[bytes.Reader]("input")
	handAt     = offsetOf[bytes.Buffer]("hand")
)

func offsetOf[T any](name string) int {
	field, found := reflect.TypeFor[tls.Conn]().FieldByName(name)
	if !found || field.Type != reflect.TypeFor[T]() {
		return -1
	}
	return int(field.Offset)
}

// shrink gives buffers back that are empty.
func (s *secure) shrink() {
	if rawInputAt < 0 || inputAt < 0 || handAt < 0 {
		return
	}
	c := unsafe.Pointer(s.conn)
	raw, input, hand := (*bytes.Buffer)(unsafe.Add(c, rawInputAt)), (*bytes.Reader)(unsafe.Add(c, inputAt)), (*bytes.Buffer)(unsafe.Add(c, handAt))
	if raw.Cap() > keptInput && raw.Len() == 0 && input.Len() == 0 {
		*raw = bytes.Buffer{}
		input.Reset(nil)
	}
	if hand.Cap() > 0 && hand.Len() == 0 {
		*hand = bytes.Buffer{}
	}
}
