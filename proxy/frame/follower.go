package frame

import "encoding/binary"

// NoStatus is what stands for the code of a Close frame without one (RFC 6455 section 7.1.5). It
// is never sent.
const NoStatus = 1005

// Opcodes of RFC 6455 section 5.2 that a Follower tells apart.
const (
	opBinary = 0x2 // the highest of continuation, text and binary
	opClose  = 0x8
)

// Bits of a frame's first two bytes (RFC 6455 section 5.2).
const (
	finBit     = 0x80
	opcodeBits = 0x0f
	maskBit    = 0x80
	lengthBits = 0x7f
	length16   = 126
	length64   = 127
	keySize    = 4
)

// maxHead is the longest head that a Follower gathers: two bytes, a 64-bit length, a masking key,
// and of a Close frame its code.
const maxHead = 2 + 8 + keySize + 2

type state uint8

const (
	following state = iota
	closed          // a Close frame has ended: nothing behind it belongs to the stream
	lost            // a length that can't be: boundaries are unknown from here on
)

// Follower follows the frames of one direction. The zero value stands at the start of a stream.
// It is a value of 32 bytes without pointers; it is not safe for concurrent use.
type Follower struct {
	left  uint64        // bytes of the current frame's payload that are still to come
	head  [maxHead]byte // the beginning of a head that no chunk held whole
	have  uint8         // how many bytes of head are filled
	first byte          // FIN and opcode of the current frame
	state state
	code  uint16 // of the Close frame
}

// Seen is what a chunk held.
type Seen struct {
	// Boundary is the index in the chunk of its last place between two frames: behind the last
	// frame that ended in it, or 0 when none did and the chunk began between frames. -1 when
	// there is no such place. What is inserted there, with the rest of the chunk dropped, leaves
	// a valid stream.
	Boundary int
	// Messages is how many messages ended in the chunk: data frames with FIN.
	Messages int
	// Close says that a Close frame ended in the chunk, at Boundary. Bytes behind it were not
	// looked at: RFC 6455 section 1.4 has the receiver discard them.
	Close bool
}

// Next consumes the next chunk of the stream, of any length, and says what it held. Its cost
// depends on the number of frames in the chunk, not on its length.
func (f *Follower) Next(chunk []byte) Seen {
	seen := Seen{Boundary: -1}
	if f.AtBoundary() {
		seen.Boundary = 0
	}
	for i := 0; f.state == following; {
		if f.left == 0 {
			n, whole := f.readHead(chunk[i:])
			i += n
			if !whole || f.state == lost {
				break
			}
		}
		if rest := uint64(len(chunk) - i); rest < f.left {
			f.left -= rest
			break
		}
		i += int(f.left)
		f.left = 0
		seen.Boundary = i
		f.endFrame(&seen)
	}
	return seen
}

func (f *Follower) endFrame(seen *Seen) {
	switch opcode := f.first & opcodeBits; {
	case opcode == opClose:
		f.state = closed
		seen.Close = true
	case opcode <= opBinary && f.first&finBit != 0:
		seen.Messages++
	}
}

// AtBoundary reports whether a frame may be inserted where the stream stands: between two
// frames, with no Close frame before and no boundary lost.
func (f *Follower) AtBoundary() bool {
	return f.state == following && f.left == 0 && f.have == 0
}

// Lost reports whether a frame's length broke RFC 6455 section 5.2 so that no boundary is known
// from there on. A lost follower stays lost.
func (f *Follower) Lost() bool { return f.state == lost }

// CloseCode returns the code of the Close frame that ended the stream, NoStatus when it had
// none, and 0 as long as no Close frame has ended.
func (f *Follower) CloseCode() int {
	if f.state != closed {
		return 0
	}
	return int(f.code)
}

// readHead consumes what p holds of the current frame's head, and reports how many bytes that
// was and whether the head is whole.
func (f *Follower) readHead(p []byte) (n int, whole bool) {
	if f.have == 0 {
		// Nearly every head lies in one chunk and is read in place.
		if size := headSize(p); size <= len(p) {
			f.open(p[:size])
			return size, true
		}
	}
	for {
		size := headSize(f.head[:f.have])
		if size == int(f.have) {
			f.have = 0
			f.open(f.head[:size])
			return n, true
		}
		k := copy(f.head[f.have:size], p[n:])
		if k == 0 {
			return n, false
		}
		f.have += uint8(k)
		n += k
	}
}

// headSize returns how long the head at the start of h is, as far as h tells; it grows with what
// h holds until it is at most len(h). The head of a Close frame includes its code, which is all
// of a payload that a follower ever looks at.
func headSize(h []byte) int {
	if len(h) < 2 {
		return 2
	}
	size := keyOffset(h)
	if h[1]&maskBit != 0 {
		size += keySize
	}
	if h[0]&opcodeBits == opClose && size <= len(h) {
		size += int(min(2, payloadLength(h)))
	}
	return size
}

// keyOffset returns where the masking key, or else the payload, begins.
func keyOffset(h []byte) int {
	switch h[1] & lengthBits {
	case length64:
		return 2 + 8
	case length16:
		return 2 + 2
	}
	return 2
}

func payloadLength(h []byte) uint64 {
	switch n := h[1] & lengthBits; n {
	case length64:
		return binary.BigEndian.Uint64(h[2:])
	case length16:
		return uint64(binary.BigEndian.Uint16(h[2:]))
	default:
		return uint64(n)
	}
}

// open begins the frame whose whole head is h.
func (f *Follower) open(h []byte) {
	f.first = h[0]
	f.left = payloadLength(h)
	if f.left>>63 != 0 {
		f.left = 0
		f.state = lost
		return
	}
	if h[0]&opcodeBits != opClose {
		return
	}
	// The head of a Close frame holds what there is of its code.
	if f.left < 2 {
		f.left = 0
		f.code = NoStatus
		return
	}
	f.left -= 2
	f.code = binary.BigEndian.Uint16(h[len(h)-2:])
	if h[1]&maskBit != 0 {
		f.code ^= binary.BigEndian.Uint16(h[keyOffset(h):])
	}
}
