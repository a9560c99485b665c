//go:build !linux || portable

package tunnel_test

import (
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// These stories take hours, of a time that is not real.

// inBubble tells a story with connections in memory and a clock that runs when all wait.
func inBubble(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, memory, spec)
		s.patience = 1000 * time.Hour
		tell(s)
	})
}

// timeSince expects that this much time has passed, to the nanosecond.
func (s *story) timeSince(from time.Time, want time.Duration) {
	s.Helper()
	if got := time.Since(from); got != want {
		s.Errorf("after %s, want %s", got, want)
	}
}

// A quiet tunnel is closed after Idle: the client is told, its answer goes to the endpoint.
func TestIdle(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Idle: time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
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
	inBubble(t, tunnel.Spec{Frames: true, Idle: time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
		pong, text := fragment(0x8a, nil, true), message([]byte("x"), false)
		for range 5 {
			time.Sleep(59 * time.Minute)
			s.send(s.client, pong)
			s.receive(s.endpoint, pong)
			time.Sleep(30 * time.Minute)
			s.send(s.endpoint, text)
			s.receive(s.client, text)
		}
		last := time.Now()
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
	inBubble(t, tunnel.Spec{Idle: 90 * time.Second, Close: time.Second}, func(s *story) {
		began := time.Now()
		hangUp(s.client)
		s.expect(s.end(), "Closed", "client", 0, false)
		s.timeSince(began, 91*time.Second)
	})
}

// An end that is idle in the middle of a frame can't be told: the deadline ends it.
func TestIdleInTheMiddleOfAFrame(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Idle: time.Minute, Close: 5 * time.Second}, func(s *story) {
		half := message([]byte("never ending"), false)[:12]
		s.send(s.endpoint, half)
		s.receive(s.client, half)
		began := time.Now()
		s.receiveClose(s.endpoint, true, 1001, "idle for 1m0s")
		s.timeSince(began, time.Minute+5*time.Second)
		s.receiveEnd(s.client)
		s.expect(s.end(), "IdleTimeout", "proxy", 1001, false)
	})
}

// A busy tunnel is closed when it is old enough.
func TestMaxAge(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Idle: time.Minute, MaxAge: 24 * time.Hour, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
		var talk sync.WaitGroup
		talk.Go(func() {
			for p := message([]byte("tick"), true); ; time.Sleep(20 * time.Second) {
				if _, err := s.client.Write(p); err != nil {
					return
				}
			}
		})
		talk.Go(func() { _, _ = io.Copy(io.Discard, s.endpoint) })
		s.receiveClose(s.client, false, 1001, "open for 24h0m0s")
		s.timeSince(began, 24*time.Hour)
		s.receiveEnd(s.client)
		s.expect(s.end(), "MaxAge", "proxy", 1001, true)
		s.timeSince(began, 24*time.Hour+5*time.Second)
		talk.Wait()
	})
}

// Of closes for later the earliest counts, in whichever order they come.
func TestTheEarliestCloseCounts(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
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
	inBubble(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
		s.tunnel.Close(drain, 0)
		s.receiveClose(s.client, false, 1001, "draining")
		p := message([]byte("no, wait"), true)
		for range 4 {
			time.Sleep(time.Second)
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
	inBubble(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		s.send(s.client, closeFrame(1000, "", true))
		s.receiveClose(s.endpoint, true, 1000, "")
		p := message([]byte("first the rest"), false)
		for range 5 {
			time.Sleep(4 * time.Second)
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
	inBubble(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second, Idle: time.Hour}, func(s *story) {
		time.Sleep(10 * time.Minute) // silence is no stall
		began := time.Now()
		s.sendSoon(s.endpoint, message([]byte("hello?"), false))
		s.receiveClose(s.endpoint, true, 1011, "the client stopped reading")
		s.timeSince(began, time.Minute)
		s.send(s.endpoint, closeFrame(1011, "", false))
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "StallTimeout", "proxy", 1011, true)
		s.timeSince(began, time.Minute)
	})
}

// An endpoint that stops reading is given up; the client gets a Close frame and time to answer.
func TestEndpointStalls(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second}, func(s *story) {
		began := time.Now()
		s.send(s.client, message([]byte("hello?"), true))
		s.receiveClose(s.client, false, 1011, "the endpoint stopped reading")
		s.timeSince(began, time.Minute)
		s.send(s.client, closeFrame(1011, "", true))
		s.receiveEnd(s.client)
		s.expect(s.end(), "StallTimeout", "proxy", 1011, true)
		s.timeSince(began, time.Minute)
	})
}

// A reader that is slow but moves is not stalled.
func TestSlowIsNotStalled(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Stall: time.Minute, Close: 5 * time.Second}, func(s *story) {
		p := message([]byte("x"), false)
		for range 10 {
			s.send(s.endpoint, p)
			time.Sleep(59 * time.Second)
			s.receive(s.client, p)
		}
		s.tunnel.Kill(drain)
		s.expect(s.end(), "ServerDrain", "proxy", 0, false)
	})
}

// A client that stopped reading can't hold a closing up.
func TestStalledClientDoesNotHoldTheEndUp(t *testing.T) {
	inBubble(t, tunnel.Spec{Frames: true, Close: 5 * time.Second}, func(s *story) {
		s.send(s.endpoint, message([]byte("hello?"), false))
		synctest.Wait() // the proxy writes now, and is stuck
		s.tunnel.Close(drain, 0)
		began := time.Now()
		s.receiveClose(s.endpoint, true, 1001, "draining")
		s.timeSince(began, 5*time.Second)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
		if late := time.Since(began); late > 7*time.Second {
			s.Errorf("it took %s", late)
		}
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
