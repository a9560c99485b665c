package wire

import (
	"encoding/binary"
	"math"
)

const (
	final   = 0x80
	masked  = 0x80
	maxHead = 14 // bytes: two, eight of length, four of mask

	// opBinary is the opcode of the frames that the bench sends.
	opBinary = 2
)

// Header is the header of one frame (RFC 6455 section 5.2).
type Header struct {
	First  byte // FIN, the reserved bits and the opcode
	Mask   uint32
	Size   int // bytes of the header itself
	Length int // bytes of the payload
}

// ParseHeader reads the header at the beginning of b; false: there are not enough bytes yet.
func ParseHeader(b []byte) (Header, bool) {
	if len(b) < 2 {
		return Header{}, false
	}
	h := Header{First: b[0], Size: 2, Length: int(b[1] &^ masked)}
	switch h.Length {
	case 126:
		if len(b) < 4 {
			return Header{}, false
		}
		h.Size, h.Length = 4, int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return Header{}, false
		}
		h.Size, h.Length = 10, int(binary.BigEndian.Uint64(b[2:])&math.MaxInt)
	}
	if b[1]&masked != 0 {
		if len(b) < h.Size+4 {
			return Header{}, false
		}
		h.Mask = binary.LittleEndian.Uint32(b[h.Size:])
		h.Size += 4
	}
	return h, true
}

// AppendServer appends the header of a frame as servers send it, unmasked.
func AppendServer(to []byte, first byte, length int) []byte {
	switch {
	case length < 126:
		return append(to, first, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, first, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(to, first, 127), uint64(length))
}

// AppendXOR appends b with the mask put on or taken off.
func AppendXOR(to, b []byte, mask uint32) []byte {
	begin := len(to)
	to = append(to, b...)
	out := to[begin:]
	wide := uint64(mask)<<32 | uint64(mask)
	for ; len(out) >= 8; out = out[8:] {
		binary.LittleEndian.PutUint64(out, binary.LittleEndian.Uint64(out)^wide)
	}
	for i := range out {
		out[i] ^= byte(mask >> (8 * (i % 4)))
	}
	return to
}

// ClientFrame is a whole binary frame as a client sends it.
func ClientFrame(payload []byte) []byte {
	const mask = 0x9d3b6c51 // any will do: proxies must not look at it
	frame := AppendServer(make([]byte, 0, maxHead+len(payload)), final|opBinary, len(payload))
	frame[1] |= masked
	return AppendXOR(binary.LittleEndian.AppendUint32(frame, mask), payload, mask)
}

// ServerFrame is a whole binary frame as a server sends it.
func ServerFrame(payload []byte) []byte {
	return append(AppendServer(make([]byte, 0, maxHead+len(payload)), final|opBinary, len(payload)), payload...)
}

// Payload is so many bytes that are no text and no zeros.
func Payload(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*131 + i>>8*17 + 7)
	}
	return b
}
