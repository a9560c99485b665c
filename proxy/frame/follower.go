package frame

import "encoding/binary"

// NoStatus is what stands for the code of a Close frame without one (RFC 6455 section 7.1.5). It
// is never sent.
const NoStatus = 1005

// Opcodes of RFC 6455 section 5.2 that the package tells apart or writes.
const (
	opBinary = 0x2 // the highest of continuation, text and binary
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
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
	head  [maxHead]byte // the beginning of a head that is not whole yet, or of a Pong held back
	have  uint8         // how many bytes of head belong to the current frame and were passed on
	held  uint8         // how many bytes of head are held back, as if they were still to come
	first byte          // FIN and opcode of the current frame
	state state
	code  uint16 // of the Close frame
}

// Seen is what was in a chunk.
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

// Next consumes the next chunk of the stream, of any length, and says what was in it. Its cost
// depends on the number of frames in the chunk, not on its length. It panics while Filter holds
// bytes back.
func (f *Follower) Next(chunk []byte) Seen {
	if f.held > 0 {
		panic("frame: Next would overtake what Filter holds back")
	}
	seen := f.begin()
	for i, ok := f.advance(chunk, 0); ok; i, ok = f.advance(chunk, i) {
		f.endFrame(&seen, i)
	}
	return seen
}

// begin returns what a chunk has shown before its first byte.
func (f *Follower) begin() Seen {
	if f.AtBoundary() {
		return Seen{}
	}
	return Seen{Boundary: -1}
}

// advance consumes p[i:] up to the end of the current frame, and returns where in p that is. It
// reports false when there is none. The code of a Close frame is read with its head.
func (f *Follower) advance(p []byte, i int) (end int, ok bool) {
	left := f.left
	if left == 0 {
		if f.state != following {
			return 0, false
		}
		h := p[i:] // nearly every head lies in one chunk and is read in place
		if f.have > 0 {
			n := copy(f.head[f.have:], h)
			h = f.head[:int(f.have)+n]
		}
		var size int
		size, left = measure(h)
		if size <= len(h) {
			f.first = h[0]
			if left>>63 != 0 {
				f.state = lost
				return 0, false
			}
			if f.first&opcodeBits == opClose {
				size, left = f.readCode(h, size, left)
			}
		}
		if size > len(h) {
			f.have = uint8(copy(f.head[:], h))
			return 0, false
		}
		i += size - int(f.have)
		f.have = 0
	}
	if rest := uint64(len(p) - i); rest < left {
		f.left = left - rest
		return 0, false
	}
	f.left = 0
	return i + int(left), true
}

// endFrame notes that the current frame has ended, and where in the chunk.
func (f *Follower) endFrame(seen *Seen, at int) {
	seen.Boundary = at
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

// measure returns how long the head at the start of h is, as far as h tells: more than len(h)
// when h is only the beginning of one. If not, length is the payload's.
func measure(h []byte) (size int, length uint64) {
	if len(h) < 2 {
		return 2, 0
	}
	size, length = 2, uint64(h[1]&lengthBits)
	if h[1]&maskBit != 0 {
		size += keySize
	}
	switch length {
	case length16:
		size += 2
		if len(h) >= 4 {
			length = uint64(binary.BigEndian.Uint16(h[2:]))
		}
	case length64:
		size += 8
		if len(h) >= 10 {
			length = binary.BigEndian.Uint64(h[2:])
		}
	}
	return size, length
}

// readCode reads the code of the Close frame at the start of h, whose head and payload have these
// sizes, as far as h holds it. It returns the sizes with what there is of the code in the head.
func (f *Follower) readCode(h []byte, size int, length uint64) (withCode int, left uint64) {
	if length < 2 {
		f.code = NoStatus
		return size + int(length), 0
	}
	if size+2 <= len(h) {
		f.code = binary.BigEndian.Uint16(h[size:])
		if h[1]&maskBit != 0 {
			f.code ^= binary.BigEndian.Uint16(h[size-keySize:])
		}
	}
	return size + 2, length - 2
}
