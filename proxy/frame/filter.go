package frame

import "bytes"

// Filter consumes the next chunk of the stream as Next does, but takes the first Pong frame out
// that carries token as [AppendPing] writes it, masked or not; answered says that it did. It
// appends to dst what is to be passed on, and seen speaks of that: Boundary is an index into
// out[len(dst):]. chunk and the room behind dst must not overlap.
//
// A chunk may end inside what may yet become that Pong. Those bytes, at most 13, are held back:
// they come first in what a later call passes on. Meanwhile AtBoundary speaks of what was passed
// on, so that a frame may be inserted before them. Nothing else is held back or taken out, least
// of all the Pong of an older Ping: an end ignores a Pong that it didn't ask for (RFC 6455 section
// 5.5.3). Nor is a frame of which Next has consumed a part.
//
// A token of 0 stands for none: with it Filter passes on what is held, even for an empty chunk.
//
// Filter copies the chunk and looks at the start of each frame. It is for as long as a Ping is
// unanswered, and then until nothing is [Follower.Holding].
func (f *Follower) Filter(dst, chunk []byte, token uint64) (out []byte, seen Seen, answered bool) {
	// What is held back was not followed yet: it comes again, with more behind it.
	out = append(append(dst, f.head[:f.held]...), chunk...)
	f.held = 0
	p := out[len(dst):]
	seen = f.begin()
	for i, ok := 0, true; ok; {
		if token != 0 && f.AtBoundary() {
			size := pongSize(p[i:], token)
			if size > len(p)-i {
				f.held = uint8(copy(f.head[:], p[i:]))
				p = p[:i]
				break
			}
			if size > 0 {
				p = append(p[:i], p[i+size:]...)
				token, answered = 0, true
			}
		}
		if i, ok = f.advance(p, i); ok {
			f.endFrame(&seen, i)
		}
	}
	return out[:len(dst)+len(p)], seen, answered
}

// Holding reports whether Filter holds bytes back. A stream that ends there has ended inside a
// frame.
func (f *Follower) Holding() bool { return f.held > 0 }

// pongSize returns the size of the Pong frame with token that p begins with. It is more than
// len(p) when p may be the beginning of one, and 0 when p can't be.
func pongSize(p []byte, token uint64) int {
	var key *[keySize]byte
	if len(p) > 1 && p[1]&maskBit != 0 {
		key = new([keySize]byte)
		copy(key[:], p[2:])
	}
	pong := appendToken(make([]byte, 0, maxHead), opPong, token, key)
	if n := min(len(p), len(pong)); !bytes.Equal(p[:n], pong[:n]) {
		return 0
	}
	return len(pong)
}
