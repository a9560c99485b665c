package frame

// Left returns how many bytes of the current frame's payload are still to come and may be skipped.
// It is 0 between frames, inside a head, in a Close frame, whose end is for Next to tell, and when
// the follower is lost.
func (f *Follower) Left() uint64 {
	if f.first&opcodeBits == opClose {
		return 0
	}
	return f.left
}

// Skip consumes the next n bytes of the stream unseen, as when the kernel moves them, and returns
// how many messages ended with them: 0 or 1. It panics if n is more than Left.
func (f *Follower) Skip(n uint64) (messages int) {
	if n > f.Left() {
		panic("frame: Skip beyond the current frame")
	}
	f.left -= n
	if n == 0 || f.left > 0 {
		return 0
	}
	var seen Seen
	f.endFrame(&seen, 0)
	return seen.Messages
}
