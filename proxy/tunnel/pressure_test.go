//go:build linux && !portable

package tunnel_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// onOneLoop lets all tunnels of a test share one event loop.
func onOneLoop(t *testing.T) *loop.Loop {
	t.Helper()
	one, err := tunnel.NewEngineOf(1)
	if err != nil {
		t.Fatal(err)
	}
	all := engine
	engine = one
	t.Cleanup(func() { engine = all; one.Stop() })
	return one.Loops().All()[0]
}

// buffered makes TCP connections whose buffers don't grow.
func buffered(size int) network {
	return func(t testing.TB) (far, near net.Conn) {
		far, near = plain(t)
		for _, c := range []net.Conn{far, near} {
			tcp := c.(*net.TCPConn)
			_ = tcp.SetReadBuffer(size)
			_ = tcp.SetWriteBuffer(size)
		}
		return far, near
	}
}

// stalls waits until the tunnel holds something back and nothing moves any more.
func (s *story) stalls() (memory, piped int) {
	s.Helper()
	last := model.Traffic{}
	eventually(s.T, "the tunnel takes everything", func() bool {
		time.Sleep(5 * time.Millisecond)
		memory, piped = s.tunnel.Held()
		_, now := s.tunnel.Traffic()
		still := memory+piped > 0 && now == last
		last = now
		return still
	})
	return memory, piped
}

// An endpoint sends without end to a client that doesn't read: it is held up, the proxy holds one
// buffer, or one pipe, and others on the loop don't notice. When the client reads again, every
// message comes.
func TestStalledReader(t *testing.T) {
	small := func(s *speaker) int { return s.IntN(4000) }
	big := func(*speaker) int { return longest }
	for name, c := range map[string]struct {
		network
		size          func(*speaker) int
		memory, piped int
	}{
		"copied":  {plain, small, tunnel.BufferSize, 0},
		"spliced": {plain, big, tunnel.BufferSize, tunnel.PipeSize},
		"TLS":     {secure, small, tunnel.BufferSize + 4<<10, 0}, // with what TLS adds to its records
	} {
		t.Run(name, func(t *testing.T) {
			onOneLoop(t)
			s := start(t, c.network, tunnel.Spec{Frames: true, Close: patience})
			_ = s.client.SetDeadline(time.Now().Add(4 * patience))
			_ = s.endpoint.SetDeadline(time.Now().Add(4 * patience))
			out := newSpeaker(7, false)
			told := make(chan error, 1)
			go func() {
				for out.made < 48<<20 {
					out.message(c.size(out))
					if err := out.flush(s.endpoint); err != nil {
						told <- err
						return
					}
				}
				out.close(1000)
				told <- out.flush(s.endpoint)
			}()
			if memory, piped := s.stalls(); memory > c.memory || piped > c.piped {
				t.Errorf("the tunnel holds %d bytes, and %d in pipes", memory, piped)
			}
			if len(told) > 0 {
				t.Error("the endpoint could send everything")
			}
			n := 0
			if _, err := newExchange(t).converse(1, func() bool { n++; return n < 5000 }); err != nil {
				t.Errorf("another tunnel: %v", err)
			}
			in, err := hearAll(s.client, 7)
			if err := errors.Join(err, <-told); err != nil || in.messages != out.messages {
				t.Errorf("%d messages of %d arrived: %v", in.messages, out.messages, err)
			}
			s.tunnel.Kill(drain)
			s.end()
		})
	}
}

// Hundreds of clients stop reading in the middle of a big frame. Pipes, which cost descriptors, are
// taken for some; for the others one buffer each is.
func TestManyStalledReaders(t *testing.T) {
	const many = 3 * tunnel.MaxTaken
	p := message(make([]byte, 2<<20), false)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stories := make([]*story, many)
	for i := range stories {
		s := start(t, buffered(128<<10), tunnel.Spec{Frames: true, Close: patience})
		_ = s.client.SetDeadline(time.Now().Add(4 * patience))
		_ = s.endpoint.SetDeadline(time.Now().Add(4 * patience))
		s.sendSoon(s.endpoint, p)
		stories[i] = s
	}
	held := 0
	for _, s := range stories {
		memory, piped := s.stalls()
		if memory > tunnel.BufferSize || memory > 0 && piped > 0 {
			t.Errorf("a tunnel holds %d bytes, and %d in a pipe", memory, piped)
		}
		if piped > 0 {
			held++
		}
	}
	if taken := tunnel.PipesTaken(); taken > tunnel.MaxTaken || taken != held {
		t.Errorf("%d pipes are taken, %d tunnels hold one", taken, held)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / many; each > tunnel.BufferSize+16<<10 {
		t.Errorf("each costs %d bytes", each)
	}
	var read sync.WaitGroup
	for _, s := range stories {
		read.Go(func() {
			if n, err := io.CopyN(io.Discard, s.client, int64(len(p))); err != nil {
				t.Errorf("%d bytes arrived: %v", n, err)
			}
		})
	}
	read.Wait()
	for _, s := range stories {
		s.tunnel.Kill(drain)
		if r := s.end(); r.ToClient != (model.Traffic{Bytes: uint64(len(p)), Messages: 1}) {
			t.Errorf("%+v", r)
		}
	}
	if taken := tunnel.PipesTaken(); taken != 0 {
		t.Errorf("%d pipes are still taken", taken)
	}
}

// Tunnels that flood a loop get their share of each round, and no more; the message of a quiet one
// goes along.
func TestFloodGetsItsShare(t *testing.T) {
	const copied, spliced = 2 * tunnel.Share * tunnel.BufferSize, 2 * tunnel.Share * tunnel.PipeSize
	l := onOneLoop(t)
	floods := map[*story]uint64{}
	for _, c := range []struct {
		network
		size, limit int
	}{{plain, 1000, copied}, {plain, 1000, copied}, {plain, 1 << 20, spliced}, {plain, 1 << 20, spliced}, {secure, 1000, copied}} {
		s := start(t, c.network, tunnel.Spec{Frames: true, Close: patience})
		floods[s] = uint64(c.limit)
		go func() { _, _ = io.Copy(io.Discard, s.client) }()
		go func() {
			p := message(make([]byte, c.size), false)
			for many := p; ; {
				if len(many) < 64<<10 {
					many = append(many, p...)
				} else if _, err := s.endpoint.Write(many); err != nil {
					return
				}
			}
		}()
	}
	quiet := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	p := message([]byte("when it suits"), true)
	last := map[*story]uint64{}
	for range 30 {
		gate, passed := make(chan struct{}), make(chan int, 1)
		rounds, before := 0, quiet.sent()
		var round func()
		round = func() {
			for s, limit := range floods {
				now := s.sent()
				if moved := now - last[s]; rounds > 0 && moved > limit {
					t.Errorf("a tunnel moved %d bytes in one round, its share is %d", moved, limit)
				}
				last[s] = now
			}
			if quiet.sent() > before {
				passed <- rounds
				return
			}
			rounds++
			l.Do(round)
		}
		l.Do(func() { <-gate }) // meanwhile all buffers fill
		quiet.send(quiet.client, p)
		l.Do(round)
		close(gate)
		if n := <-passed; n > 10 {
			t.Errorf("the quiet tunnel's message waited for %d rounds", n)
		}
		quiet.receive(quiet.endpoint, p)
	}
	for s := range floods {
		s.tunnel.Kill(drain)
		s.end()
	}
	quiet.tunnel.Kill(drain)
	quiet.end()
}

// sent returns how many bytes have gone either way.
func (s *story) sent() uint64 {
	up, down := s.tunnel.Traffic()
	return up.Bytes + down.Bytes
}

// A client neither reads nor speaks. The Pings that are due for it don't heap up meanwhile: one goes
// out when it reads again.
func TestPingsDoNotHeapUp(t *testing.T) {
	s := start(t, buffered(16<<10), tunnel.Spec{Frames: true, Close: patience, Keepalive: tunnel.Keepalive{Interval: time.Millisecond, Client: true}})
	p := message(make([]byte, 1000), false)
	sent, held := 0, 0
	for held == 0 {
		s.send(s.endpoint, p)
		sent++
		eventually(t, "a message does not move", func() bool {
			_, down := s.tunnel.Traffic()
			return down.Messages == uint64(sent)
		})
		time.Sleep(5 * time.Millisecond) // the kernel may only be slow
		held, _ = s.tunnel.Held()
	}
	for range 20 {
		time.Sleep(5 * time.Millisecond)
		s.tunnel.Settle()
	}
	if now, _ := s.tunnel.Held(); now != held {
		t.Errorf("the tunnel holds %d bytes after a while, first it was %d", now, held)
	}
	s.tunnel.Kill(drain)
	s.end()
}

// withoutDescriptors lets the process open nothing.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// When there are no descriptors left a tunnel can't begin: its owner is told and both connections
// are closed.
func TestNoDescriptorsForATunnel(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		owner := make(sink, 1)
		var unstarted tunnel.Tunnel
		client, nearClient := n(t)
		endpoint, nearEndpoint := n(t)
		withoutDescriptors(t, func() {
			engine.Start(&unstarted, tunnel.Spec{Client: nearClient, Endpoint: nearEndpoint, Frames: true, Owner: owner})
		})
		if r := <-owner; r.Reason != model.Lost || r.By != model.ByProxy || !errors.Is(r.Err, syscall.EMFILE) {
			t.Errorf("%+v", r)
		}
		for _, c := range []net.Conn{client, endpoint} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("%v, want the end", err)
			}
		}
		unstarted.Close(drain, 0)
		unstarted.Kill(drain)
	})
}

// What would go through a pipe is copied when there are no descriptors for one.
func TestNoDescriptorsForAPipe(t *testing.T) {
	s := start(t, plain, tunnel.Spec{Frames: true, Close: patience})
	p := message(noise[:longest], true)
	tunnel.DropPipes()
	withoutDescriptors(t, func() {
		s.sendSoon(s.client, p)
		s.receive(s.endpoint, p)
	})
	s.tunnel.Kill(drain)
	if r := s.end(); r.ToEndpoint != (model.Traffic{Bytes: uint64(len(p)), Messages: 1}) {
		t.Errorf("%+v", r)
	}
}

// A tunnel that could not begin, or was never started, takes calls as every tunnel does.
func TestCallsToATunnelThatNeverBegan(*testing.T) {
	var unstarted, refused tunnel.Tunnel
	owner := make(sink, 1)
	engine.Refuse(&refused, &tunnel.Spec{Owner: owner})
	<-owner
	for _, t := range []*tunnel.Tunnel{&unstarted, &refused} {
		t.Close(drain, 0)
		t.Close(drain, time.Hour)
		t.Kill(drain)
		t.Traffic()
	}
	refused.Settle()
}
