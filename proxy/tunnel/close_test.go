package tunnel_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

var drain = tunnel.Cause{Reason: model.ServerDrain, Code: 1001, Text: "draining"}

// The endpoint closes; the client answers; the endpoint closes TCP.
func TestEndpointCloses(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		s.send(s.endpoint, closeFrame(4001, "kicked", false))
		s.receiveClose(s.client, false, 4001, "kicked")
		s.send(s.client, closeFrame(4001, "", true))
		s.receiveClose(s.endpoint, true, 4001, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "Closed", "endpoint", 4001, false)
	})
}

// The client closes without a code, and hangs up right after its Close frame; the endpoint still
// gets to answer.
func TestClientClosesAndHangsUp(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		s.send(s.client, closeFrame(0, "", true))
		hangUp(s.client)
		s.receiveClose(s.endpoint, true, 1005, "")
		s.receiveEnd(s.endpoint)
		s.send(s.endpoint, closeFrame(0, "", false))
		hangUp(s.endpoint)
		s.expect(s.end(), "Closed", "client", 1005, false)
	})
}

// What an end sends behind its own Close frame is no part of the stream (RFC 6455 section 1.4).
func TestNothingFollowsAClose(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	s.send(s.client, append(closeFrame(1000, "", true), message([]byte("late"), true)...))
	s.send(s.client, message([]byte("later"), true))
	s.receiveClose(s.endpoint, true, 1000, "")
	hangUp(s.client)
	s.receiveEnd(s.endpoint)
	hangUp(s.endpoint)
	r := s.end()
	s.expect(r, "Closed", "client", 1000, false)
	if r.ToEndpoint.Messages != 0 || r.ToEndpoint.Bytes != uint64(len(closeFrame(1000, "", true))) {
		t.Errorf("counted %+v", r.ToEndpoint)
	}
}

// Both ends have said Close, but the endpoint leaves TCP open: the proxy waits for Spec.Close.
func TestEndpointLeavesTCPOpen(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	s.send(s.client, closeFrame(1000, "", true))
	s.receiveClose(s.endpoint, true, 1000, "")
	s.send(s.endpoint, closeFrame(1000, "", false))
	s.receiveClose(s.client, false, 1000, "")
	s.receiveEnd(s.client)
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "Closed", "client", 1000, false)
}

// The client closes and the endpoint never answers: after Spec.Close of silence the client gets
// its answer from the proxy.
func TestEndpointNeverAnswersClose(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	s.send(s.client, closeFrame(3456, "enough", true))
	s.receiveClose(s.endpoint, true, 3456, "enough")
	s.receiveClose(s.client, false, 3456, "")
	s.receiveEnd(s.client)
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "Closed", "client", 3456, true)
}

// The endpoint closes and the client never answers: the endpoint gets its answer from the proxy.
func TestClientNeverAnswersClose(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	s.send(s.endpoint, closeFrame(1003, "text only", false))
	s.receiveClose(s.client, false, 1003, "text only")
	s.receiveClose(s.endpoint, true, 1003, "")
	s.receiveEnd(s.client)
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "Closed", "endpoint", 1003, true)
}

// The proxy closes: the client is told, its answer reaches the endpoint, the endpoint leaves.
// What the endpoint says meanwhile is dropped; what the client says is not.
func TestProxyCloses(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		s.tunnel.Close(drain, 0)
		s.receiveClose(s.client, false, 1001, "draining")
		s.send(s.endpoint, message([]byte("too late"), false))
		last := message([]byte("one more thing"), true)
		s.send(s.client, last)
		s.receive(s.endpoint, last)
		s.send(s.client, closeFrame(1001, "", true))
		s.receiveClose(s.endpoint, true, 1001, "")
		s.send(s.endpoint, closeFrame(1001, "", false))
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
	})
}

// The proxy wants to close while the endpoint is in the middle of a big message that it writes
// slowly: the message arrives whole, and only then the Close frame.
func TestCloseNeverSplitsAFrame(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		big := message(make([]byte, 300<<10), false)
		s.send(s.endpoint, big[:1000])
		s.receive(s.client, big[:1000])
		s.tunnel.Close(drain, 0)
		for at := 1000; at < len(big); at += 50000 {
			piece := big[at:min(at+50000, len(big))]
			s.send(s.endpoint, piece)
			s.receive(s.client, piece)
		}
		s.receiveClose(s.client, false, 1001, "draining")
		s.send(s.client, closeFrame(1001, "", true))
		s.receiveClose(s.endpoint, true, 1001, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
	})
}

// One chunk ends the frame that was under way and begins another: it is cut between the two.
func TestChunkIsCutAtTheBoundary(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	first, second := message([]byte("first"), false), message([]byte("second"), false)
	s.send(s.endpoint, first[:3])
	s.receive(s.client, first[:3])
	s.tunnel.Close(drain, 0)
	s.tunnel.Settle()
	s.send(s.endpoint, append(first[3:], second[:4]...))
	s.receive(s.client, first[3:])
	s.receiveClose(s.client, false, 1001, "draining")
	s.send(s.client, closeFrame(1001, "", true))
	s.receiveClose(s.endpoint, true, 1001, "")
	hangUp(s.endpoint)
	s.receiveEnd(s.client)
	r := s.end()
	s.expect(r, "ServerDrain", "proxy", 1001, false)
	if r.ToClient != (model.Traffic{Bytes: uint64(len(first)), Messages: 1}) {
		t.Errorf("counted %+v, want the first message alone", r.ToClient)
	}
}

// The endpoint's own Close frame comes first, though the proxy wants to close: the client gets
// one Close frame, the endpoint's.
func TestEndpointIsQuickerThanTheProxy(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	bye := closeFrame(1000, "bye", false)
	s.send(s.endpoint, bye[:2])
	s.receive(s.client, bye[:2])
	s.tunnel.Close(drain, 0)
	s.tunnel.Settle()
	s.send(s.endpoint, bye[2:])
	s.receive(s.client, bye[2:])
	s.send(s.client, closeFrame(1000, "", true))
	s.receiveClose(s.endpoint, true, 1000, "")
	hangUp(s.endpoint)
	s.receiveEnd(s.client)
	s.expect(s.end(), "Closed", "endpoint", 1000, false)
}

// A client that ignores the Close frame is left at the deadline, and the endpoint gets a masked
// Close frame from the proxy.
func TestClientIgnoresClose(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
		s.tunnel.Close(drain, 0)
		s.receiveClose(s.client, false, 1001, "draining")
		p := message([]byte("I was saying"), true)
		s.send(s.client, p)
		s.receive(s.endpoint, p)
		s.receiveClose(s.endpoint, true, 1001, "draining")
		s.receiveEnd(s.client)
		s.receiveEnd(s.endpoint)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, true)
	})
}

// As before, in the middle of a client's frame: the endpoint can't be told by a Close frame.
func TestClientIgnoresCloseInTheMiddleOfAFrame(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 100 * time.Millisecond})
	half := message([]byte("I was saying"), true)[:15]
	s.send(s.client, half)
	s.receive(s.endpoint, half)
	s.tunnel.Close(drain, 0)
	s.receiveClose(s.client, false, 1001, "draining")
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "ServerDrain", "proxy", 1001, true)
}

// A client that hangs up instead of answering: the endpoint is told by the proxy.
func TestClientHangsUpOnClose(t *testing.T) {
	for name, hangUp := range map[string]func(net.Conn){"end": func(c net.Conn) { hangUp(c) }, "reset": reset} {
		t.Run(name, func(t *testing.T) {
			s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
			s.tunnel.Close(drain, 0)
			s.receiveClose(s.client, false, 1001, "draining")
			hangUp(s.client)
			s.receiveClose(s.endpoint, true, 1001, "draining")
			s.receiveEnd(s.endpoint)
			hangUp(s.endpoint)
			s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
		})
	}
}

// A client that ended its direction without a Close frame has nobody left to be told that the
// proxy closes, but what the endpoint sends still goes to it, whole.
func TestProxyClosesAHalfClosedTunnel(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	halfClose(t, s.client)
	s.receiveEnd(s.endpoint)
	s.tunnel.Close(drain, 0)
	p := message([]byte("the rest"), false)
	for range 3 {
		s.send(s.endpoint, p)
		s.receive(s.client, p)
	}
	hangUp(s.endpoint)
	s.receiveEnd(s.client)
	s.expect(s.end(), "Lost", "client", 0, false)
}

// Without waiting, both ends are told at once and closed.
func TestCloseWithoutWaiting(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true})
	s.tunnel.Close(tunnel.Cause{Reason: model.RouteDeleted, Code: 1001, Text: "the route is gone"}, 0)
	s.receiveClose(s.client, false, 1001, "the route is gone")
	s.receiveClose(s.endpoint, true, 1001, "the route is gone")
	s.receiveEnd(s.client)
	s.receiveEnd(s.endpoint)
	s.expect(s.end(), "RouteDeleted", "proxy", 1001, false)
}

// An opaque upgrade gets the end of both streams, without a byte of ours.
func TestOpaqueCloses(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Close: patience})
		s.send(s.client, []byte("hello"))
		s.receive(s.endpoint, []byte("hello"))
		s.tunnel.Close(drain, 0)
		s.receiveEnd(s.client)
		s.receiveEnd(s.endpoint)
		s.send(s.client, []byte("dropped"))
		hangUp(s.client)
		hangUp(s.endpoint)
		s.expect(s.end(), "ServerDrain", "proxy", 0, false)
	})
}

// An opaque end that does not react is left at the deadline.
func TestOpaqueEndIgnoresClose(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Close: 50 * time.Millisecond})
	s.tunnel.Close(drain, 0)
	s.receiveEnd(s.client)
	s.expect(s.end(), "ServerDrain", "proxy", 0, false)
}

// Many want to close at once, some later: one Close frame goes out, the owner is told once.
func TestManyWantToClose(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				s.tunnel.Close(drain, time.Duration(i%7)*time.Millisecond)
				s.tunnel.Traffic()
			})
		}
		s.receiveClose(s.client, false, 1001, "draining")
		wg.Wait()
		s.send(s.client, closeFrame(1001, "", true))
		s.receiveClose(s.endpoint, true, 1001, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
	})
}

// The end comes from all directions at the same time. Whatever wins, it ends once.
func TestEverythingAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		for i := range 30 {
			s := start(t, n, tunnel.Spec{Frames: true, Close: time.Millisecond, Idle: time.Duration(1+i) * time.Millisecond, MaxAge: 2 * time.Millisecond})
			var wg sync.WaitGroup
			wg.Go(func() { s.tunnel.Close(drain, time.Millisecond) })
			wg.Go(func() { _, _ = s.client.Write(closeFrame(1000, "", true)); reset(s.client) })
			wg.Go(func() { _, _ = s.endpoint.Write(message(make([]byte, 9999), false)); hangUp(s.endpoint) })
			if i%2 == 0 {
				wg.Go(func() { s.tunnel.Kill(drain) })
			}
			wg.Wait()
			if r := s.end(); r.Reason == "" || r.By == "" {
				t.Errorf("ended without a reason: %+v", r)
			}
		}
	})
}

// Kill ends everything at once, whatever is blocked.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
		go func() { _, _ = s.client.Write(message(make([]byte, 16<<20), false)) }() // blocks: nobody reads
		eventually(t, "nothing flows", func() bool { up, _ := s.tunnel.Traffic(); return up.Bytes > 1<<20 })
		s.tunnel.Kill(tunnel.Cause{Reason: model.RouteDeleted})
		s.expect(s.end(), "RouteDeleted", "proxy", 0, false)
	})
}
