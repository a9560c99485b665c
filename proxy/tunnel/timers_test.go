package tunnel_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// These stories take hours, of a time that is not real.

// flood sends more than all buffers on the way hold. join waits until it is gone, wherever it went.
func (s *story) flood(c net.Conn, message []byte) (join func()) {
	return s.alongside(func() { _, _ = c.Write(message) })
}

// tooMuch is more than all buffers on the way hold.
const tooMuch = 4 << 20

// A quiet tunnel is closed after Idle: the client is told, its answer goes to the endpoint.
func TestIdle(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Idle: time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		s.receiveClose(s.client, false, 1001, "idle for 1h0m0s")
		s.timeSince(began, time.Hour)
		s.send(s.client, closeFrame(1001, "", true))
		s.receiveClose(s.endpoint, true, 1001, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "IdleTimeout", "proxy", 1001, false)
		s.timeSince(began, time.Hour)
	})
}

// Every byte in either direction, a Pong too, puts the end off by Idle.
func TestBytesPutIdleOff(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Idle: time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		pong, text := fragment(0x8a, nil, true), message([]byte("x"), false)
		for range 5 {
			s.sleep(59 * time.Minute)
			s.send(s.client, pong)
			s.receive(s.endpoint, pong)
			s.sleep(30 * time.Minute)
			s.send(s.endpoint, text)
			s.receive(s.client, text)
		}
		last := s.now()
		s.receiveClose(s.client, false, 1001, "idle for 1h0m0s")
		s.timeSince(last, time.Hour)
		s.receiveClose(s.endpoint, true, 1001, "idle for 1h0m0s")
		s.timeSince(last, time.Hour+5*time.Second)
		s.expect(s.end(), "IdleTimeout", "proxy", 1001, true)
		s.timeSince(began, 5*89*time.Minute+time.Hour+5*time.Second)
	})
}

// An opaque tunnel that is half-open is idle too.
func TestIdleOpaque(t *testing.T) {
	inTime(t, tunnel.Spec{Idle: 90 * time.Second, Close: time.Second}, func(s *story) {
		began := s.now()
		hangUp(s.client)
		s.expect(s.end(), "Closed", "client", 0, false)
		s.timeSince(began, 91*time.Second)
	})
}

// An end that is idle in the middle of a frame can't be told: the deadline ends it.
func TestIdleInTheMiddleOfAFrame(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Idle: time.Minute, Close: 5 * time.Second}, func(s *story) {
		half := message([]byte("never ending"), false)[:12]
		s.send(s.endpoint, half)
		s.receive(s.client, half)
		began := s.now()
		s.receiveClose(s.endpoint, true, 1001, "idle for 1m0s")
		s.timeSince(began, time.Minute+5*time.Second)
		s.receiveEnd(s.client)
		s.expect(s.end(), "IdleTimeout", "proxy", 1001, false)
	})
}

// A busy tunnel is closed when it is old enough.
func TestMaxAge(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Idle: time.Hour, MaxAge: 24 * time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		talked := s.alongside(func() {
			for p := message([]byte("tick"), true); ; s.sleep(25 * time.Minute) {
				if _, err := s.client.Write(p); err != nil {
					return
				}
			}
		})
		listened := s.alongside(func() { _, _ = io.Copy(io.Discard, s.endpoint) })
		s.receiveClose(s.client, false, 1001, "open for 24h0m0s")
		s.timeSince(began, 24*time.Hour)
		s.receiveEnd(s.client)
		s.expect(s.end(), "MaxAge", "proxy", 1001, true)
		s.timeSince(began, 24*time.Hour+5*time.Second)
		talked()
		listened()
	})
}

// Of closes for later the earliest counts, in whichever order they come.
func TestTheEarliestCloseCounts(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		s.tunnel.Close(tunnel.Cause{Reason: model.RouteDeleted, Code: 1001, Text: "gone"}, 30*time.Second)
		s.tunnel.Close(tunnel.Cause{Reason: model.EndpointDraining, Code: 1012, Text: "moving"}, 10*time.Second)
		s.tunnel.Close(tunnel.Cause{Reason: model.ServerDrain, Code: 1001, Text: "later"}, 20*time.Second)
		s.receiveClose(s.client, false, 1012, "moving")
		s.timeSince(began, 10*time.Second)
		s.tunnel.Close(drain, 0)
		s.send(s.client, closeFrame(1012, "", true))
		s.receiveClose(s.endpoint, true, 1012, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "EndpointDraining", "proxy", 1012, false)
	})
}

// Closing has one deadline, which talking on does not put off.
func TestCloseDeadlineIsAbsolute(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		s.tunnel.Close(drain, 0)
		s.receiveClose(s.client, false, 1001, "draining")
		p := message([]byte("no, wait"), true)
		for range 4 {
			s.sleep(time.Second)
			s.send(s.client, p)
			s.receive(s.endpoint, p)
		}
		s.receiveClose(s.endpoint, true, 1001, "draining")
		s.timeSince(began, 5*time.Second)
		s.receiveEnd(s.client)
		s.end()
	})
}

// An end that has said Close waits for the other one's as long as that one still talks.
func TestCloseWaitsForWhoStillTalks(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		s.send(s.client, closeFrame(1000, "", true))
		s.receiveClose(s.endpoint, true, 1000, "")
		p := message([]byte("first the rest"), false)
		for range 5 {
			s.sleep(4 * time.Second)
			s.send(s.endpoint, p)
			s.receive(s.client, p)
		}
		s.send(s.endpoint, closeFrame(1000, "", false))
		s.receiveClose(s.client, false, 1000, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "Closed", "client", 1000, false)
	})
}

// A client that stops reading is given up; the endpoint gets a Close frame.
func TestClientStalls(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second, Idle: time.Hour}, func(s *story) {
		s.sleep(10 * time.Minute) // silence is no stall
		began := s.now()
		gone := s.flood(s.endpoint, message(make([]byte, tooMuch), false))
		s.receiveClose(s.endpoint, true, 1011, "the client stopped reading")
		s.timeSince(began, time.Minute)
		gone()
		s.send(s.endpoint, closeFrame(1011, "", false))
		hangUp(s.endpoint)
		s.expect(s.end(), "StallTimeout", "proxy", 1011, true)
		s.timeSince(began, time.Minute)
	})
}

// An endpoint that stops reading is given up; the client gets a Close frame and time to answer.
func TestEndpointStalls(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second}, func(s *story) {
		began := s.now()
		gone := s.flood(s.client, message(make([]byte, tooMuch), true))
		s.receiveClose(s.client, false, 1011, "the endpoint stopped reading")
		s.timeSince(began, time.Minute)
		gone()
		s.send(s.client, closeFrame(1011, "", true))
		s.receiveEnd(s.client)
		s.expect(s.end(), "StallTimeout", "proxy", 1011, true)
		s.timeSince(began, time.Minute)
	})
}

// A reader that is slow but moves is not stalled.
func TestSlowIsNotStalled(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second}, func(s *story) {
		p := message(make([]byte, tooMuch), false)
		for range 10 {
			gone := s.flood(s.endpoint, p)
			s.sleep(59 * time.Second)
			s.receive(s.client, p)
			gone()
		}
		s.tunnel.Kill(drain)
		s.expect(s.end(), "ServerDrain", "proxy", 0, false)
	})
}

// A client that stopped reading can't hold a closing up.
func TestStalledClientDoesNotHoldTheEndUp(t *testing.T) {
	inTime(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		gone := s.flood(s.endpoint, message(make([]byte, tooMuch), false))
		s.settle() // the proxy writes now, and is stuck
		s.tunnel.Close(drain, 0)
		began := s.now()
		s.receiveClose(s.endpoint, true, 1001, "draining")
		s.timeSince(began, 5*time.Second)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
		s.timeSince(began, 6*time.Second)
		gone()
	})
}

// The same over real sockets, whose buffers fill first: a client of TLS that stops reading.
func TestStallOnRealSockets(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Stall: 200 * time.Millisecond, Close: patience})
		go func() { _, _ = s.endpoint.Write(message(make([]byte, 16<<20), false)) }()
		s.receiveClose(s.endpoint, true, 1011, "the client stopped reading")
		hangUp(s.endpoint)
		s.expect(s.end(), "StallTimeout", "proxy", 1011, true)
	})
}
