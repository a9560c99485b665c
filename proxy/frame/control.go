package frame

import "encoding/binary"

// AppendPing appends a Ping frame (RFC 6455 section 5.5.2) to dst whose payload is token in eight
// bytes, the highest first. With a key the payload is masked, as every frame towards a server
// must be (section 5.3); the key must be unpredictable. The token should be too: the ends send
// Pings of their own, and [Follower.Filter] knows a Pong by its token alone.
func AppendPing(dst []byte, token uint64, key *[4]byte) []byte {
	return appendToken(dst, opPing, token, key)
}

// appendToken appends a Ping, or the Pong that answers it: the same payload is what makes it the
// answer (RFC 6455 section 5.5.3).
func appendToken(dst []byte, opcode byte, token uint64, key *[4]byte) []byte {
	var payload [8]byte
	binary.BigEndian.PutUint64(payload[:], token)
	return appendControl(dst, opcode, payload[:], key)
}

// appendControl appends a control frame to dst; its payload is at most 125 bytes (RFC 6455
// section 5.5).
func appendControl(dst []byte, opcode byte, payload []byte, key *[4]byte) []byte {
	if key == nil {
		dst = append(dst, finBit|opcode, byte(len(payload)))
		return append(dst, payload...)
	}
	dst = append(dst, finBit|opcode, maskBit|byte(len(payload)))
	dst = append(dst, key[:]...)
	for i, b := range payload {
		dst = append(dst, b^key[i%keySize])
	}
	return dst
}
