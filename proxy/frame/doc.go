// Package frame finds the boundaries of RFC 6455 frames in a stream of bytes, writes the frames
// that the proxy says itself, and takes out those that are said to it.
//
// A proxy that leaves messages alone still has to know where frames begin: a control frame may
// enter a stream only between two frames (section 5.4 allows one even between the fragments of a
// message, never inside a frame). A [Follower] is fed with whatever chunks the network gives,
// remembers where it stands in a few words, and jumps over payloads without looking at them. A
// payload that never comes into the proxy's memory is skipped.
//
// Two frames are the proxy's own. A Close frame ([AppendClose]) ends a stream: nothing follows it.
// A Ping ([AppendPing]) is a question, and the Pong that answers it comes back among the frames of
// the other direction. It is for the proxy alone, and the end behind it never asked: as long as
// the answer is awaited that stream is passed through [Follower.Filter], which leaves it out. The
// answer is known by its payload, which the Ping's is made for. Everything else is passed on byte
// for byte, the ends' own Pings and Pongs and an answer that comes too late among it: an end
// ignores a Pong that it didn't ask for (section 5.5.3).
//
// The follower is no judge. Masking, reserved bits, unknown opcodes, lengths that are longer
// than needed and control frames that are too long are the two ends' business (they fail the
// connection themselves, section 7.1.7), since all of them leave no doubt about where the frame
// ends. The one thing that does is a 64-bit length with its highest bit set, which section 5.2
// forbids: then the follower is lost, for good.
package frame
