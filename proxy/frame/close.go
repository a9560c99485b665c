package frame

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// maxReason is how many bytes of text a Close frame can hold: 125 for a control frame's payload
// (RFC 6455 section 5.5) less two for the code.
const maxReason = 123

// AppendClose appends a Close frame to dst. The reason is cut to 123 bytes, between two runes. A
// code that must not stand in a frame (see [Sendable]) gives a frame without code and reason,
// which is how a Close frame without a code is answered. With a key the payload is masked, as
// every frame towards a server must be (RFC 6455 section 5.3); the key must be unpredictable.
func AppendClose(dst []byte, code int, reason string, key *[4]byte) []byte {
	var payload []byte
	if Sendable(code) {
		payload = binary.BigEndian.AppendUint16(make([]byte, 0, 2+maxReason), uint16(code))
		payload = append(payload, cutReason(reason)...)
	}
	return appendControl(dst, opClose, payload, key)
}

// Sendable reports whether a code may stand in a Close frame: those that RFC 6455 section 7.4 and
// the IANA registry it founded define, less 1004, 1005, 1006 and 1015, and the ranges for
// libraries and applications.
func Sendable(code int) bool {
	switch {
	case code >= 1004 && code <= 1006:
		return false
	case code >= 1000 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// cutReason makes a text valid for a Close frame: UTF-8 and at most maxReason bytes.
func cutReason(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= maxReason {
		return s
	}
	end := maxReason
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
