package tunnel_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/fairlead/fairlead/proxy/tunnel"
)

// Tunnels open and end all the time in every possible manner, so that descriptors get new owners
// all the time, while a few go on. No byte lands in a wrong tunnel, every end is told once, and
// nothing is left behind.
func TestChurn(t *testing.T) {
	const abreast, steady = 24, 8
	sockets, x := openSockets(t), newExchange(t)
	var over atomic.Bool
	var residents, visitors sync.WaitGroup
	for i := range steady {
		residents.Go(func() {
			pace := time.NewTicker(time.Millisecond) // leaves the visitors some time
			defer pace.Stop()
			if _, err := x.converse(uint64(i), func() bool { <-pace.C; return !over.Load() }); err != nil {
				t.Errorf("a tunnel that goes on: %v", err)
			}
		})
	}
	var ids atomic.Uint64
	ids.Store(steady)
	visits := make([]*visit, *manyTunnels)
	for range abreast {
		visitors.Go(func() {
			for id := ids.Add(1); id <= steady+uint64(len(visits)) && !t.Failed(); id = ids.Add(1) {
				visits[id-steady-1] = x.visit(id)
			}
		})
	}
	visitors.Wait()
	over.Store(true)
	residents.Wait()
	hangUp(x)
	reasons := map[string]int{}
	for _, v := range visits {
		if v == nil {
			t.FailNow()
		}
		reasons[string(v.result.Reason)]++
		if n := len(v.results); n > 0 {
			t.Errorf("an owner was told of the end %d times", n+1)
		}
	}
	t.Logf("%d tunnels ended: %v", len(visits), reasons)
	eventually(t, "the engine has tunnels left", func() bool { return engine.Load() == 0 })
	eventually(t, "sockets are left open", func() bool { return openSockets(t) <= sockets })
	eventually(t, "tunnels that have ended are kept", func() bool {
		runtime.GC()
		return !slices.ContainsFunc(visits, func(v *visit) bool { return v.tunnel.Value() != nil })
	})
}

// openSockets counts the sockets of this process, as far as the system tells.
func openSockets(t *testing.T) int { return openDescriptors(t, "socket:") }

// openDescriptors counts the descriptors whose link begins so.
func openDescriptors(t *testing.T, prefix string) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range links {
		if to, err := os.Readlink(name); err == nil && strings.HasPrefix(to, prefix) {
			n++
		}
	}
	return n
}

// visit is a tunnel that ends soon, and both ends.
type visit struct {
	*testing.T
	*rand.Rand
	id               uint64
	client, endpoint line
	tunnel           weak.Pointer[tunnel.Tunnel]
	results          sink
	result           tunnel.Result
}

// An ending is one of the manners in which a tunnel may end.
type ending func(v *visit, t *tunnel.Tunnel)

var endings = []ending{
	func(v *visit, _ *tunnel.Tunnel) { reset(v.client.tcp) },
	func(v *visit, _ *tunnel.Tunnel) { reset(v.endpoint.tcp) },
	func(v *visit, _ *tunnel.Tunnel) { hangUp(v.client.tcp) },
	func(v *visit, _ *tunnel.Tunnel) { hangUp(v.endpoint.tcp) },
	func(v *visit, _ *tunnel.Tunnel) { _ = v.client.far.(interface{ CloseWrite() error }).CloseWrite() },
	func(v *visit, _ *tunnel.Tunnel) { _ = v.endpoint.far.(interface{ CloseWrite() error }).CloseWrite() },
	func(v *visit, _ *tunnel.Tunnel) { _ = v.client.tcp.CloseWrite() },
	func(v *visit, _ *tunnel.Tunnel) { go reset(v.client.tcp); reset(v.endpoint.tcp) },
	func(_ *visit, t *tunnel.Tunnel) { t.Kill(drain) },
	func(_ *visit, t *tunnel.Tunnel) { t.Close(drain, 0) },
	func(v *visit, t *tunnel.Tunnel) { t.Close(drain, time.Millisecond); v.babble() },
	func(v *visit, _ *tunnel.Tunnel) { v.babble() },
	func(_ *visit, t *tunnel.Tunnel) {
		for i := range 3 {
			go t.Close(drain, time.Duration(i)*time.Millisecond)
		}
		go t.Kill(drain)
		t.Kill(drain)
	},
}

// visit opens a tunnel, lets both ends talk, and ends it somehow. What they heard until then must
// have been meant for them.
func (x *exchange) visit(id uint64) *visit {
	v := &visit{T: x.T, Rand: rand.New(rand.NewPCG(id, 12)), id: id, results: make(sink, 3)}
	var err error
	if v.client, v.endpoint, err = x.ends(v.IntN(4), v.Rand); err != nil {
		x.Error(err)
		return nil
	}
	defer hangUp(v.client.tcp)
	defer hangUp(v.endpoint.tcp)
	_ = v.client.far.SetDeadline(time.Now().Add(2 * patience))
	_ = v.endpoint.far.SetDeadline(time.Now().Add(2 * patience))
	t := new(tunnel.Tunnel)
	v.tunnel = weak.Make(t)
	deaf := make(chan struct{}) // the client hears when this is closed
	if v.IntN(8) > 0 {
		close(deaf)
	}
	engine.Start(t, v.spec())
	var talk sync.WaitGroup
	until := 1 + v.IntN(200)
	end, when := endings[v.IntN(len(endings))], v.IntN(until+1)
	polite, silent := v.IntN(2) == 0, v.IntN(2) == 0
	over := make(chan struct{})
	out := newSpeaker(id, true)
	talk.Go(func() {
		v.heard("endpoint", echo(v.endpoint.far, id))
		if polite {
			hangUp(v.endpoint.far)
		}
	})
	talk.Go(func() {
		v.heard("client's sending half", out.talk(v.client.far, func() bool {
			if when--; when == 0 {
				_ = out.flush(v.client.far)
				end(v, t)
				if silent {
					<-over
				}
			}
			until--
			return until > 0
		}))
	})
	talk.Go(func() {
		<-deaf
		in, err := hearAll(v.client.far, id)
		if _, more := in.in.ReadByte(); err == nil && more == nil {
			err = errWrong // behind a Close frame
		}
		v.heard("client", err)
	})
	select {
	case v.result = <-v.results:
	case <-time.After(2 * patience):
		x.Errorf("tunnel %d does not end", id)
		return nil
	}
	close(over)
	select {
	case <-deaf:
	default:
		close(deaf)
	}
	talk.Wait()
	v.client.near, v.endpoint.near = nil, nil // TLS connections know their lanes
	if up := v.result.ToEndpoint; v.result.Reason == "" || up.Messages > out.messages || up.Bytes > out.made {
		x.Errorf("of %d messages: %+v", out.messages, v.result)
	}
	return v
}

// spec lets some tunnels end on their own.
func (v *visit) spec() tunnel.Spec {
	some := func() time.Duration { return time.Duration(1+v.IntN(20)) * time.Millisecond }
	s := tunnel.Spec{Client: v.client.near, Endpoint: v.endpoint.near, Frames: true, Owner: v.results, Close: some(), Stall: some(), Idle: time.Second}
	switch v.IntN(8) {
	case 0:
		s.MaxAge = some()
	case 1:
		s.Idle = some()
	case 2:
		s.Keepalive = tunnel.Keepalive{Interval: some(), Timeout: some(), Client: true, Endpoint: true}
	case 3:
		s.Close = 0
	}
	return s
}

// heard fails the test if an end has heard what was not meant for it. That the conversation was
// cut off is what the story is about.
func (v *visit) heard(who string, err error) {
	if errors.Is(err, errWrong) {
		v.Errorf("tunnel %d: %s: %v", v.id, who, err)
	}
}

// babble sends what is no TLS.
func (v *visit) babble() {
	if v.client.far != net.Conn(v.client.tcp) {
		_, _ = v.client.tcp.Write(noise[:99])
	}
}
