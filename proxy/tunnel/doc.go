// Package tunnel moves the bytes between a client and an endpoint once the protocol is switched,
// and ends that well.
//
// # Moving
//
// A tunnel has two lanes, one per direction. A lane reads a chunk, passes it on and reads the
// next: there is one buffer and no queue, so that the reader's TCP window is what holds a sender
// up. Bytes that were read behind the handshake go first. Nothing is decoded, masked or changed.
// With Spec.Frames a frame.Follower per lane knows where frames begin and counts messages;
// without it the lanes carry opaque bytes, and what is said about Close frames below does not
// apply.
//
// # How a tunnel ends
//
// A tunnel is flowing, closing, leaving, then ended, and never goes back.
//
// Flowing, bytes go both ways. An end may say Close: its frame is passed on, what it sends behind
// it is dropped, and the other end is waited for as long as it still sends something; Spec.Close
// of silence is the limit. Once both have said Close, the endpoint has Spec.Close to end TCP,
// since a server ends it first (RFC 6455 section 7.1.1).
//
// Closing begins when the proxy itself wants an end: Spec.Idle, Spec.MaxAge, or Tunnel.Close. The
// client is told by a Close frame at the next frame boundary of what the endpoint sends, and the
// endpoint's later bytes are dropped. What the client sends still goes to the endpoint, up to its
// own Close frame, so that the endpoint sees an ordinary closing handshake with the same code.
// All of that is bounded by Spec.Close from its beginning on. Without frames both ends get the end
// of their stream instead.
//
// Leaving comes when there is nothing more to wait for: the endpoint has ended and the client has
// said Close or ended too, or a limit has passed. Each lane that stands at a frame boundary, has
// passed no Close frame and leads to an end that is still there says Close now, masked towards the
// endpoint (section 5.3). Then both connections are closed, the client's first, and the owner is
// told. A write that is still blocked after a second is abandoned with its connection.
//
// In each direction there is at most one Close frame, nothing follows it, and it stands between
// two frames. An end that comes on its own before the proxy's Close frame has gone out counts as
// the cause, since that is what the ends saw.
//
// # What the client sees when ...
//
//	the endpoint says Close               that Close frame, then the end of TCP
//	it said Close and the endpoint        the endpoint's Close frame, or, when there was none, a
//	answers, or drops the connection      Close frame with its own code; then the end of TCP
//	the endpoint ends or is reset         Close 1011 "the endpoint went away", and Spec.Close to
//	between two frames                    answer (browsers would report 1006 otherwise)
//	the endpoint ends inside a frame      the end of TCP (1006)
//	the endpoint is reset inside a frame  a reset (1006)
//	nothing moves for Spec.Idle           Close 1001 "idle for 1h0m0s"
//	the tunnel is Spec.MaxAge old         Close 1001 "open for 24h0m0s"
//	Tunnel.Close is called                Close with the cause's code and text
//	one of these three comes while the    first the rest of the frame; if that takes longer than
//	endpoint is inside a frame            Spec.Close, the end of TCP
//	the endpoint doesn't read for Stall   Close 1011 "the endpoint stopped reading"
//	it doesn't read itself for Stall      a reset
//	Tunnel.Kill is called                 the end of TCP, at once
//
// # What the endpoint sees when ...
//
//	the client says Close                 that Close frame
//	the client ends without one           the end of TCP; what it still sends goes to the client
//	                                      until Spec.Close of silence
//	the client is reset without one       a reset
//	the proxy closes, the client answers  the client's Close frame, which has the proxy's code
//	the proxy closes and the client       a masked Close frame with the proxy's code at a frame
//	leaves, or Spec.Close passes          boundary, else the end of TCP
//	it said Close, the client leaves or   a masked Close frame with its own code
//	Spec.Close of silence passes
//	the client doesn't read for Stall     a masked Close 1011 "the client stopped reading"
//
// Without frames either end sees what the other one did: end for end, reset for reset. One may go
// on after the other has ended, for as long as Spec.Idle allows.
//
// # The engine
//
// At present every lane is a goroutine that waits in a read. Nothing of that shows in what the
// package exports: a Spec goes in, an Owner is told, and a Tunnel takes calls from any goroutine.
// What ends a tunnel (ending.go, timers.go) speaks of lanes only by wake and by the phase they are
// to obey.
package tunnel
