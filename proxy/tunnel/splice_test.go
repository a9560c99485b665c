//go:build linux && !portable

package tunnel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// Frames around the size from which on the kernel moves payloads, and much bigger ones, with their
// heads at all places of a read, and small frames between: both directions get every byte, and every
// message is counted.
func TestSplicedFrames(t *testing.T) {
	sizes := []int{
		tunnel.SpliceMin - 1, tunnel.SpliceMin, tunnel.SpliceMin + 1, 2*tunnel.SpliceMin - 1, 2 * tunnel.SpliceMin,
		tunnel.PipeSize - 1, tunnel.PipeSize, tunnel.PipeSize + 1, 1 << 20, 3<<20 + 7,
	}
	for shift := range 16 { // a head is up to 14 bytes long
		s := start(t, plain, tunnel.Spec{Frames: true, Close: patience, Keepalive: tunnel.Keepalive{Interval: time.Hour, Client: true, Endpoint: true}})
		said := func(masked bool) (stream []byte, messages uint64) {
			r := rand.New(rand.NewPCG(uint64(shift), uint64(len(sizes))))
			for i, n := range r.Perm(len(sizes))[:5] {
				if i == 0 {
					// The head of the first big frame lies where the first read ends.
					pad := tunnel.BufferSize - shift - len(message(nil, masked))
					stream = append(stream, message(noise[:pad], masked)...)
					messages++
				}
				stream = append(stream, message(noise[i:i+min(sizes[n], longest)], masked)...)
				stream = append(stream, fragment(0x89, []byte("ping"), masked)...)
				stream = append(stream, fragment(0x02, noise[:sizes[n]%longest], masked)...)
				stream = append(stream, fragment(0x80, noise[:shift], masked)...)
				messages += 2
			}
			return stream, messages
		}
		up, upMessages := said(true)
		down, downMessages := said(false)
		s.sendSoon(s.client, up)
		s.sendSoon(s.endpoint, down)
		got := make(chan []byte, 1)
		go func() {
			p := make([]byte, len(up))
			n, _ := io.ReadFull(s.endpoint, p)
			got <- p[:n]
		}()
		s.receive(s.client, down)
		if p := <-got; !bytes.Equal(p, up) {
			t.Fatalf("shift %d: the endpoint got %d bytes of %d, or others", shift, len(p), len(up))
		}
		s.tunnel.Kill(drain)
		r := s.end()
		if want := (model.Traffic{Bytes: uint64(len(up)), Messages: upMessages}); r.ToEndpoint != want {
			t.Errorf("shift %d: to the endpoint %+v, want %+v", shift, r.ToEndpoint, want)
		}
		if want := (model.Traffic{Bytes: uint64(len(down)), Messages: downMessages}); r.ToClient != want {
			t.Errorf("shift %d: to the client %+v, want %+v", shift, r.ToClient, want)
		}
	}
}

// inPipe starts a tunnel whose client does not read and to which the endpoint sends a big frame,
// until the tunnel has a pipe full of it.
func inPipe(t *testing.T, spec tunnel.Spec, frame []byte) (s *story, sent <-chan error) {
	t.Helper()
	s = start(t, buffered(64<<10), spec)
	done, c := make(chan error, 1), s.endpoint
	go func() {
		_, err := c.Write(frame)
		done <- err
	}()
	if _, piped := s.stalls(); piped == 0 {
		t.Fatal("no pipe holds anything")
	}
	return s, done
}

// The proxy closes while a pipe is full of a frame that the client is slow to take: the frame comes
// whole, then the Close frame.
func TestCloseInsideASplicedFrame(t *testing.T) {
	big := message(noise[:longest], false)
	s, sent := inPipe(t, tunnel.Spec{Frames: true, Close: patience}, append(big[:len(big):len(big)], message([]byte("too late"), false)[:12]...))
	s.tunnel.Close(drain, 0)
	s.tunnel.Settle()
	s.receive(s.client, big)
	s.receiveClose(s.client, false, 1001, "draining")
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	s.send(s.client, closeFrame(1001, "", true))
	s.receiveClose(s.endpoint, true, 1001, "")
	hangUp(s.endpoint)
	s.receiveEnd(s.client)
	r := s.end()
	s.expect(r, "ServerDrain", "proxy", 1001, false)
	if r.ToClient != (model.Traffic{Bytes: uint64(len(big)), Messages: 1}) {
		t.Errorf("%+v", r.ToClient)
	}
}

// The endpoint's own Close frame stands right behind the big one, and the endpoint is gone before the
// client reads.
func TestCloseBehindASplicedFrame(t *testing.T) {
	big := message(noise[:longest], false)
	s, sent := inPipe(t, tunnel.Spec{Frames: true, Close: patience}, append(big[:len(big):len(big)], closeFrame(1000, "bye", false)...))
	go func() {
		if err := <-sent; err != nil {
			t.Error(err)
		}
		hangUp(s.endpoint)
	}()
	s.receive(s.client, big)
	s.receiveClose(s.client, false, 1000, "bye")
	s.send(s.client, closeFrame(1000, "", true))
	s.receiveEnd(s.client)
	r := s.end()
	s.expect(r, "Closed", "endpoint", 1000, false)
	if r.ToClient.Messages != 1 {
		t.Errorf("%+v", r.ToClient)
	}
}

// However a tunnel ends while a pipe is full, the pipe is not lost, and what is in it goes to nobody
// else.
func TestEndWhileAPipeIsFull(t *testing.T) {
	ends := map[string]struct {
		end    func(s *story)
		reason string
		by     string
	}{
		"the client is reset":        {func(s *story) { reset(s.client) }, "Lost", "client"},
		"the client hangs up":        {func(s *story) { hangUp(s.client) }, "Lost", "client"},
		"the endpoint is reset":      {func(s *story) { reset(s.endpoint); s.receiveSome(s.client) }, "Lost", "endpoint"},
		"the endpoint ends":          {func(s *story) { hangUp(s.endpoint); s.receiveSome(s.client) }, "Lost", "endpoint"},
		"Kill":                       {func(s *story) { s.tunnel.Kill(drain) }, "ServerDrain", "proxy"},
		"Close, and nobody reads":    {func(s *story) { s.tunnel.Close(drain, 0) }, "ServerDrain", "proxy"},
		"the client doesn't read":    {func(*story) {}, "StallTimeout", "proxy"},
		"the client says Close":      {func(s *story) { s.send(s.client, closeFrame(1000, "", true)); s.receiveSome(s.client) }, "Closed", "client"},
		"the endpoint is half-ended": {func(s *story) { halfClose(s.T, s.endpoint); s.receiveSome(s.client) }, "Lost", "endpoint"},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			spec := tunnel.Spec{Frames: true, Close: 200 * time.Millisecond}
			if c.reason == "StallTimeout" {
				spec.Stall = 200 * time.Millisecond
			}
			s, _ := inPipe(t, spec, message(noise[:longest], false)[:longest/2+longest/4])
			c.end(s)
			if r := s.end(); string(r.Reason) != c.reason || string(r.By) != c.by {
				t.Errorf("%+v", r)
			}
			if n := tunnel.PipesTaken(); n != 0 {
				t.Errorf("%d pipes are taken", n)
			}
			s = start(t, plain, tunnel.Spec{Frames: true, Close: patience})
			p := message(noise[1:longest], false)
			s.sendSoon(s.endpoint, p)
			s.receive(s.client, p)
			s.tunnel.Kill(drain)
			s.end()
		})
	}
}

// receiveSome reads what comes of the noise until the end, be it orderly or not.
func (s *story) receiveSome(c net.Conn) {
	s.Helper()
	p, _ := io.ReadAll(c)
	if want := message(noise[:longest], false); len(p) > len(want) || !bytes.Equal(p, want[:len(p)]) {
		s.Errorf("%d bytes arrived, or others than were sent", len(p))
	}
}

// Many tunnels splice at the same time while their clients stop and go on, so that pipes change
// hands all the time. Nobody gets another's bytes.
func TestPipesChangeHands(t *testing.T) {
	const many, frames = 48, 4
	errs := make(chan error, many)
	for i := range many {
		s := start(t, buffered(64<<10), tunnel.Spec{Frames: true, Close: patience})
		_ = s.client.SetDeadline(time.Now().Add(4 * patience))
		_ = s.endpoint.SetDeadline(time.Now().Add(4 * patience))
		go func() {
			for n := range frames {
				if _, err := s.endpoint.Write(message(own(i, n), false)); err != nil {
					return
				}
			}
		}()
		go func() {
			err := s.expectOwn(i, frames)
			s.tunnel.Kill(drain)
			errs <- errors.Join(err, (<-s.results).Err)
		}()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := tunnel.PipesTaken(); n != 0 {
		t.Errorf("%d pipes are taken", n)
	}
}

// own is a payload that no other tunnel and no other frame has.
func own(id, n int) []byte {
	p := make([]byte, 5*tunnel.SpliceMin+id*8)
	for i := 0; i+8 <= len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], uint64(id)<<40|uint64(n)<<32|uint64(i))
	}
	return p
}

// expectOwn reads the frames of a tunnel, with a pause now and then.
func (s *story) expectOwn(id, frames int) error {
	r := rand.New(rand.NewPCG(uint64(id), 13))
	for n := range frames {
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
		want := message(own(id, n), false)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(s.client, got); err != nil {
			return fmt.Errorf("frame %d of tunnel %d: %w", n, id, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("frame %d of tunnel %d: %w", n, id, errWrong)
		}
	}
	return nil
}
