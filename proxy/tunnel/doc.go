// Package tunnel moves the bytes between a client and an endpoint once the protocol is switched,
// and ends that well.
//
// # Moving
//
// A tunnel has two lanes, one per direction. A lane reads a chunk of up to 64 KiB, passes it on and
// reads the next. As long as the destination has not taken all of a chunk the lane reads no more:
// there is no queue, and the reader's TCP window is what holds a sender up. Bytes that were read
// behind the handshake go first. Nothing is decoded, masked or changed.
//
// With Spec.Frames a frame.Follower per lane knows where frames begin and counts messages; without
// it the lanes carry opaque bytes, and what is said about Close frames and Pings below does not
// apply.
//
// # Keepalive
//
// An end of which nothing came for Keepalive.Interval is asked by a Ping, between two frames of what
// goes to it, and masked if it is the endpoint. The Pong that answers it, known by its payload, goes
// no further. Neither is counted, in Result or for Spec.Idle: a tunnel whose ends answer the proxy
// and say nothing else is idle.
//
// An end of which nothing came for Keepalive.Timeout behind a Ping is given up. Any byte from it is an
// answer, and so is that it takes what it did not take before. As long as an end does not read, it
// gets no Ping, and Spec.Stall is what bounds that. As long as an end's bytes can't be passed on
// they are not read, nor is its answer, so that its silence does not count.
//
// Nobody is asked any more once an end has said Close or has ended: from there on Spec.Close bounds
// the tunnel.
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
//	the endpoint doesn't answer a Ping    Close 1011 "the endpoint stopped answering"
//	it doesn't read itself for Stall, or  a reset
//	doesn't answer a Ping
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
//	the client doesn't answer a Ping      a masked Close 1011 "the client stopped answering"
//	it doesn't read itself for Stall, or  a reset
//	doesn't answer a Ping
//
// Without frames either end sees what the other one did: end for end, reset for reset. One may go
// on after the other has ended, for as long as Spec.Idle allows.
//
// # The engines
//
// What a tunnel is, when it ends and what is said then is the same everywhere: lane.go, ending.go,
// timers.go and keepalive.go. They know of an engine that it calls a lane's methods one at a time,
// that a lane can be woken to look at the tunnel's phase, and that one timer per tunnel can be set.
// Which engine moves the bytes is chosen when the program is built; the same tests judge both.
//
// On Linux (epoll*.go) a tunnel belongs to one event loop of package loop: its lanes own a socket
// each, and have no goroutine and no buffer. A lane reads into the loop's buffer and writes at once.
// What the destination's socket does not take goes into an outbox until it is writable again; that
// is at most the rest of one read, and what the proxy itself says behind it. After a few reads
// the others of the loop have a turn. Payload of a large frame goes from socket to socket by splice,
// through a pipe, without coming into the process; its pieces are up to 256 KiB, and a pipe that the
// destination does not empty takes the place of the outbox. TLS is crypto/tls over sockets that
// never block; it can't be spliced, and gives its buffers back when it is idle.
//
// Elsewhere, or with the build tag portable (goroutine*.go), every lane is a goroutine that waits in
// a read, for a bare TCP connection without a buffer. A write waits until all is taken.
package tunnel
