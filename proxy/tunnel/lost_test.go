package tunnel_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/tunnel"
)

// One end of an opaque upgrade ends its direction; the other direction goes on as long as it
// likes.
func TestHalfClose(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		for _, first := range []string{"client", "endpoint"} {
			t.Run(first, func(t *testing.T) {
				s := start(t, n, tunnel.Spec{Close: 10 * time.Millisecond})
				here, there := s.client, s.endpoint
				if first == "endpoint" {
					here, there = there, here
				}
				s.send(here, []byte("that was it"))
				halfClose(t, here)
				s.receive(there, []byte("that was it"))
				s.receiveEnd(there)
				// Longer than Spec.Close: for opaque streams only Idle bounds this.
				_ = here.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				if _, err := here.Read(make([]byte, 1)); !timeoutOf(err) {
					t.Fatalf("%v; want nothing yet", err)
				}
				_ = here.SetReadDeadline(time.Now().Add(patience))
				s.alive()
				s.send(there, []byte("and this is the answer"))
				hangUp(there)
				s.receive(here, []byte("and this is the answer"))
				s.receiveEnd(here)
				s.expect(s.end(), "Closed", first, 0, false)
			})
		}
	})
}

// A WebSocket client ends its direction without a Close frame: the endpoint sees that, what it
// still says arrives, and then it is over.
func TestClientEndsWithoutClose(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		halfClose(t, s.client)
		s.receiveEnd(s.endpoint)
		p := message([]byte("to whom it may concern"), false)
		s.send(s.endpoint, p)
		hangUp(s.endpoint)
		s.receive(s.client, p)
		s.receiveEnd(s.client)
		s.expect(s.end(), "Lost", "client", 0, false)
	})
}

// As before, but the endpoint neither speaks nor leaves: Spec.Close of silence ends it.
func TestClientEndsAndEndpointStays(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	hangUp(s.client)
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "Lost", "client", 0, false)
}

// A client's reset is the endpoint's reset.
func TestClientResets(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		reset(s.client)
		s.receiveReset(s.endpoint)
		s.expect(s.end(), "Lost", "client", 0, true)
	})
}

// An endpoint that dies between two frames, by end or by reset, is explained to the client.
func TestEndpointDiesBetweenFrames(t *testing.T) {
	deaths := map[string]func(net.Conn){"end": func(c net.Conn) { hangUp(c) }, "reset": reset}
	onBoth(t, func(t *testing.T, n network) {
		for name, die := range deaths {
			t.Run(name, func(t *testing.T) {
				s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
				p := fragment(0x01, []byte("to be continu"), false) // not the end of a message
				s.send(s.endpoint, p)
				s.receive(s.client, p)
				die(s.endpoint)
				s.receiveClose(s.client, false, 1011, "the endpoint went away")
				s.send(s.client, closeFrame(1011, "", true))
				s.receiveEnd(s.client)
				s.expect(s.end(), "Lost", "endpoint", 1011, name == "reset")
			})
		}
	})
}

// The same, with a client that never answers.
func TestEndpointDiesAndClientIsSilent(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	hangUp(s.endpoint)
	s.receiveClose(s.client, false, 1011, "the endpoint went away")
	s.receiveEnd(s.client)
	s.expect(s.end(), "Lost", "endpoint", 1011, true)
}

// In the middle of a frame no Close frame may be inserted: the client sees what happened.
func TestEndpointDiesInTheMiddleOfAFrame(t *testing.T) {
	half := message([]byte("to be continued"), false)[:14]
	t.Run("end", func(t *testing.T) {
		s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
		s.send(s.endpoint, half)
		hangUp(s.endpoint)
		s.receive(s.client, half)
		s.receiveEnd(s.client)
		hangUp(s.client)
		r := s.end()
		s.expect(r, "Lost", "endpoint", 0, true)
		if !errors.Is(r.Err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", r.Err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
		s.send(s.endpoint, half)
		s.receive(s.client, half)
		reset(s.endpoint)
		s.receiveReset(s.client)
		s.expect(s.end(), "Lost", "endpoint", 0, true)
	})
}

// Many servers answer a Close by dropping the connection. The client's own code comes back all
// the same: it has nothing to worry about.
func TestEndpointDropsInsteadOfAnswering(t *testing.T) {
	for name, die := range map[string]func(net.Conn){"end": func(c net.Conn) { hangUp(c) }, "reset": reset} {
		t.Run(name, func(t *testing.T) {
			s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
			s.send(s.client, closeFrame(1000, "bye", true))
			s.receiveClose(s.endpoint, true, 1000, "bye")
			die(s.endpoint)
			s.receiveClose(s.client, false, 1000, "")
			s.receiveEnd(s.client)
			s.expect(s.end(), "Closed", "client", 1000, false)
		})
	}
}

// The endpoint says Close and drops the connection while the client still talks, so that writing
// to it fails before its Close frame was read. It counts all the same.
func TestEndpointClosesUnderFire(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		stop := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for p := message(make([]byte, 2000), true); ; {
				select {
				case <-stop:
					_, _ = s.client.Write(closeFrame(1012, "", true))
					return
				default:
					if _, err := s.client.Write(p); err != nil {
						t.Errorf("the client can't write: %v", err)
						<-stop
						return
					}
				}
			}
		}()
		s.send(s.endpoint, message([]byte("last words"), false))
		s.send(s.endpoint, closeFrame(1012, "restart", false))
		halfClose(t, s.endpoint)
		s.receive(s.client, message([]byte("last words"), false))
		s.receiveClose(s.client, false, 1012, "restart")
		reset(s.endpoint)
		close(stop)
		<-stopped
		s.expect(s.end(), "Closed", "endpoint", 1012, false)
	})
}

// An opaque stream's reset is passed on in both directions.
func TestOpaqueReset(t *testing.T) {
	for _, who := range []string{"client", "endpoint"} {
		t.Run(who, func(t *testing.T) {
			s := start(t, plain, tunnel.Spec{Close: patience})
			here, there := s.client, s.endpoint
			if who == "endpoint" {
				here, there = there, here
			}
			reset(here)
			s.receiveReset(there)
			s.expect(s.end(), "Lost", who, 0, true)
		})
	}
}
