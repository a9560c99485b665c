package tunnel_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// The endpoint sends numbered messages of random sizes, in pieces that respect no frame, and the
// proxy closes at a random moment. Whatever the moment, the client reads messages without a gap,
// whole, then one Close frame, then the end.
func TestCloseAtAnyMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		for seed := range uint64(60) {
			s := start(t, n, tunnel.Spec{Frames: true, Close: patience})
			r := rand.New(rand.NewPCG(seed, 4))
			var wg sync.WaitGroup
			wg.Go(func() { streamNumbers(s.endpoint, rand.New(rand.NewPCG(seed, 5))) })
			wg.Go(func() { hangUpOnClose(s.endpoint) })
			pause := time.Duration(r.IntN(3000)) * time.Microsecond
			s.tunnel.Close(drain, pause)
			messages, err := readNumbersUntilClose(s.client)
			if err != nil {
				t.Fatalf("seed %d, closed after %s: %v", seed, pause, err)
			}
			res := s.end()
			s.expect(res, "ServerDrain", "proxy", 1001, false)
			if res.ToClient.Messages != messages {
				t.Errorf("seed %d: %d messages counted, the client got %d", seed, res.ToClient.Messages, messages)
			}
			wg.Wait()
		}
	})
}

// streamNumbers sends messages that begin with their number until it can't.
func streamNumbers(c net.Conn, r *rand.Rand) {
	for number := uint64(0); ; number++ {
		payload := binary.BigEndian.AppendUint64(nil, number)
		f := message(append(payload, make([]byte, r.IntN(1<<r.IntN(16)))...), false)
		for len(f) > 0 {
			k := 1 + r.IntN(len(f))
			if _, err := c.Write(f[:k]); err != nil {
				return
			}
			f = f[k:]
		}
	}
}

// hangUpOnClose reads until a Close frame has come, as a server does.
func hangUpOnClose(c net.Conn) {
	defer hangUp(c)
	var f frame.Follower
	for p := make([]byte, 100); ; {
		n, err := c.Read(p)
		if err != nil || f.Next(p[:n]).Close {
			return
		}
	}
}

// readNumbersUntilClose checks every message, answers the Close frame and expects the end.
func readNumbersUntilClose(c net.Conn) (messages uint64, err error) {
	in := bufio.NewReader(c)
	for {
		first, err := in.ReadByte()
		if err != nil {
			return messages, fmt.Errorf("no Close frame behind message %d: %w", messages, err)
		}
		if first == 0x88 {
			break
		}
		head := make([]byte, 1+8+8)
		if _, err := io.ReadFull(in, head); err != nil {
			return messages, err
		}
		length, number := binary.BigEndian.Uint64(head[1:]), binary.BigEndian.Uint64(head[9:])
		if first != 0x82 || head[0] != 127 || length > 1<<17 || number != messages {
			return messages, fmt.Errorf("message %d begins with %x % x", messages, first, head)
		}
		if _, err := io.CopyN(io.Discard, in, int64(length-8)); err != nil {
			return messages, err
		}
		messages++
	}
	want := closeFrame(drain.Code, drain.Text, false)[1:]
	rest := make([]byte, len(want))
	if _, err := io.ReadFull(in, rest); err != nil || !bytes.Equal(rest, want) {
		return messages, fmt.Errorf("the Close frame goes on with % x (%w)", rest, err)
	}
	if _, err := c.Write(closeFrame(drain.Code, "", true)); err != nil {
		return messages, err
	}
	if n, err := io.Copy(io.Discard, in); n > 0 || err != nil {
		return messages, fmt.Errorf("%d bytes behind the Close frame, %w", n, err)
	}
	return messages, nil
}

// Traffic can be asked while bytes move, and only ever grows.
func TestTrafficIsLive(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	var wg sync.WaitGroup
	wg.Go(func() { streamNumbers(s.endpoint, rand.New(rand.NewPCG(1, 6))) })
	wg.Go(func() { _, _ = io.Copy(io.Discard, s.client) })
	var last model.Traffic
	eventually(t, "nothing is counted", func() bool {
		_, now := s.tunnel.Traffic()
		if now.Bytes < last.Bytes || now.Messages < last.Messages {
			t.Errorf("%+v after %+v", now, last)
		}
		last = now
		return now.Messages > 1000
	})
	s.tunnel.Kill(drain)
	s.end()
	wg.Wait()
}
