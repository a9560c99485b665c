// Package frame finds the boundaries of RFC 6455 frames in a stream of bytes, and writes Close
// frames.
//
// A proxy that leaves messages alone still has to know where frames begin: a Close frame may
// enter a stream only between two frames (section 5.4 allows a control frame even between the
// fragments of a message, never inside a frame). A [Follower] is fed with whatever chunks the
// network gives, remembers where it stands in a few words, and jumps over payloads without
// looking at them.
//
// The follower is no judge. Masking, reserved bits, unknown opcodes, lengths that are longer
// than needed and control frames that are too long are the two ends' business (they fail the
// connection themselves, section 7.1.7), since all of them leave no doubt about where the frame
// ends. The one thing that does is a 64-bit length with its highest bit set, which section 5.2
// forbids: then the follower is lost, for good.
package frame
