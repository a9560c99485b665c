package tunnel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// Both ends send messages of random sizes at the same time, in chunks that respect no frame, and
// read at their own pace. Every byte arrives, in order, and is counted.
func TestBytesArriveAsTheyWereSent(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience, Idle: time.Minute, Stall: time.Minute})
		const messages = 300
		type sum [sha256.Size]byte
		sent, got := make(chan sum, 2), make(chan sum, 2)
		talk := func(c net.Conn, seed uint64, masked bool) {
			r := rand.New(rand.NewPCG(seed, 0))
			h := sha256.New()
			for range messages {
				p := make([]byte, r.IntN(1<<r.IntN(17)))
				for i := range p {
					p[i] = byte(r.Uint32())
				}
				f := message(p, masked)
				h.Write(f)
				for len(f) > 0 {
					k := 1 + r.IntN(len(f))
					if _, err := c.Write(f[:k]); err != nil {
						t.Error(err)
					}
					f = f[k:]
				}
			}
			bye := closeFrame(1000, "done", masked)
			h.Write(bye)
			_, _ = c.Write(bye)
			sent <- sum(h.Sum(nil))
		}
		listen := func(c net.Conn, until int) {
			h := sha256.New()
			if _, err := io.CopyBuffer(h, struct{ io.Reader }{io.LimitReader(c, int64(until))}, make([]byte, 777)); err != nil {
				t.Error(err)
			}
			got <- sum(h.Sum(nil))
		}
		go talk(s.client, 1, true)
		toEndpoint := sizeOf(1, messages, true)
		go listen(s.endpoint, toEndpoint)
		go talk(s.endpoint, 2, false)
		toClient := sizeOf(2, messages, false)
		go listen(s.client, toClient)

		a, b, c, d := <-sent, <-sent, <-got, <-got
		if straight, crossed := a == c && b == d, a == d && b == c; !straight && !crossed {
			t.Error("what arrived is not what was sent")
		}
		hangUp(s.endpoint)
		r := s.end()
		if r.Reason != model.Closed || r.CloseCode != 1000 || r.Err != nil {
			t.Errorf("%+v", r)
		}
		want := [2]model.Traffic{{Bytes: uint64(toEndpoint), Messages: messages}, {Bytes: uint64(toClient), Messages: messages}}
		if got := [2]model.Traffic{r.ToEndpoint, r.ToClient}; got != want {
			t.Errorf("traffic %v, want %v", got, want)
		}
	})
}

// sizeOf replays the sizes that a talker with that seed sends, the Close frame included.
func sizeOf(seed uint64, messages int, masked bool) int {
	r := rand.New(rand.NewPCG(seed, 0))
	total := len(closeFrame(1000, "done", masked))
	for range messages {
		n := r.IntN(1 << r.IntN(17))
		for range n {
			r.Uint32()
		}
		size := len(message(make([]byte, n), masked))
		total += size
		for size > 0 {
			size -= 1 + r.IntN(size)
		}
	}
	return total
}

// Bytes that were read together with the handshake are the first to arrive, and the frames in
// them are followed: the message that starts in them ends in the stream.
func TestLeftoversComeFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		up, down := message([]byte("from the client"), true), message([]byte("from the endpoint"), false)
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience, ClientRest: up[:5], EndpointRest: down[:1]})
		s.receive(s.endpoint, up[:5])
		s.receive(s.client, down[:1])
		s.send(s.client, up[5:])
		s.send(s.endpoint, down[1:])
		s.receive(s.endpoint, up[5:])
		s.receive(s.client, down[1:])
		eventually(t, "the messages are not counted", func() bool {
			a, b := s.tunnel.Traffic()
			return a == model.Traffic{Bytes: uint64(len(up)), Messages: 1} && b == model.Traffic{Bytes: uint64(len(down)), Messages: 1}
		})
		s.tunnel.Kill(tunnel.Cause{Reason: model.ServerDrain})
		s.expect(s.end(), "ServerDrain", "proxy", 0, false)
	})
}

// A Close frame may already be among the leftovers.
func TestCloseAmongLeftovers(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience, EndpointRest: closeFrame(1008, "no", false)})
	s.receiveClose(s.client, false, 1008, "no")
	s.send(s.client, closeFrame(1008, "", true))
	s.receiveClose(s.endpoint, true, 1008, "")
	hangUp(s.endpoint)
	s.receiveEnd(s.client)
	s.expect(s.end(), "Closed", "endpoint", 1008, false)
}

// An opaque upgrade may look like a Close frame; it is not one.
func TestOpaqueBytesAreNotFrames(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Close: patience})
		p := append(closeFrame(1000, "", true), bytes.Repeat([]byte{0x88, 0xff}, 50000)...)
		s.sendSoon(s.client, p)
		s.receive(s.endpoint, p)
		s.sendSoon(s.endpoint, p)
		s.receive(s.client, p)
		hangUp(s.client)
		s.receiveEnd(s.endpoint)
		hangUp(s.endpoint)
		r := s.end()
		s.expect(r, "Closed", "client", 0, false)
		if r.ToEndpoint.Messages != 0 || r.ToEndpoint.Bytes != uint64(len(p)) {
			t.Errorf("%+v", r.ToEndpoint)
		}
	})
}

// When the client doesn't read, the endpoint is held up by TCP alone: the proxy takes no more
// than a buffer and the sockets' own buffers.
func TestSlowReaderHoldsTheSenderUp(t *testing.T) {
	narrow := func(t testing.TB) (far, near net.Conn) {
		far, near = plain(t)
		for _, c := range []net.Conn{far, near} {
			tcp := c.(*net.TCPConn)
			_ = tcp.SetReadBuffer(16 << 10)
			_ = tcp.SetWriteBuffer(16 << 10)
		}
		return far, near
	}
	s := start(t, narrow, tunnel.Spec{Frames: true, Close: patience})
	big := message(make([]byte, 8<<20), false)
	_ = s.endpoint.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	n, err := s.endpoint.Write(big)
	if !timeoutOf(err) || n > 2<<20 {
		t.Fatalf("%d bytes went towards a client that reads nothing, %v", n, err)
	}
	_ = s.endpoint.SetWriteDeadline(time.Time{})
	s.sendSoon(s.endpoint, big[n:])
	s.receive(s.client, big)
	s.tunnel.Kill(tunnel.Cause{Reason: model.ServerDrain})
	s.end()
}

// Fragments, pings between them and lengths of all forms go through as they are; messages are
// counted at their end only.
func TestFragmentedMessagesAreCountedOnce(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	parts := [][]byte{
		fragment(0x01, []byte("one"), true), fragment(0x89, []byte("ping"), true),
		fragment(0x00, []byte("two"), true), fragment(0x80, []byte("three"), true),
	}
	all := bytes.Join(parts, nil)
	for _, b := range all {
		s.send(s.client, []byte{b})
	}
	s.receive(s.endpoint, all)
	eventually(t, "the message is not counted", func() bool {
		up, _ := s.tunnel.Traffic()
		return up.Messages == 1 && up.Bytes == uint64(len(all))
	})
	s.tunnel.Kill(tunnel.Cause{Reason: model.ServerDrain})
	s.end()
}

// A length that can't be is the endpoints' problem: the bytes still go through, but where frames
// begin is no longer known, so nothing is ever inserted.
func TestLostFramesStillFlow(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: 50 * time.Millisecond})
	bad := binary.BigEndian.AppendUint64([]byte{0x82, 127}, 1<<63)
	s.send(s.endpoint, bad)
	s.receive(s.client, bad)
	s.send(s.endpoint, []byte("more"))
	s.receive(s.client, []byte("more"))
	s.tunnel.Close(tunnel.Cause{Reason: model.ServerDrain, Code: 1001}, 0)
	s.receiveClose(s.endpoint, true, 1001, "")
	s.receiveEnd(s.client)
	s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
}
