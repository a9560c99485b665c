package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// generation is a configuration of so many routes with names of their own, on one endpoint each.
func generation(name string, routes int) model.Config {
	var cfg model.Config
	for i := range routes {
		key := fmt.Sprintf("prod/s%d:80", i)
		cfg.Backends = append(cfg.Backends, model.Backend{Key: key, Endpoints: []model.Endpoint{{
			Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80), Name: fmt.Sprintf("%s-pod-%d", name, i),
		}}})
		cfg.Routes = append(cfg.Routes, model.Route{
			ID: fmt.Sprintf("wsr/prod/%s/%d", name, i), Matches: []model.Match{{Host: fmt.Sprintf("s%d.example.com", i)}},
			Protocols: model.WebSocket | model.HTTP, Backends: []model.BackendRef{{Backend: key, Weight: 1}},
		})
	}
	return cfg
}

// quay is a server without listeners: requests are taken to where their tunnel would begin.
type quay struct {
	*Server
	t testing.TB
}

func newQuay(t testing.TB) *quay {
	s, err := New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return &quay{s, t}
}

func (q *quay) publish(cfg model.Config) {
	q.t.Helper()
	next, err := table.Compile(cfg, q.Table())
	if err != nil {
		q.t.Fatal(err)
	}
	q.Publish(next, time.Now())
}

func (q *quay) exchange(url, protocol string) *exchange {
	q.t.Helper()
	x := &exchange{
		server: q.Server, r: httptest.NewRequest("GET", url, nil), begun: time.Now(), id: nextID(), upgrade: protocol,
		client: handshake.Client{Address: netip.MustParseAddr("192.0.2.7")},
	}
	if err := x.match(); err != nil {
		q.t.Fatal(err)
	}
	x.picks = newPicker(x.hit.Route, x.r, &x.client)
	if _, err := x.pick(); err != nil {
		q.t.Fatal(err)
	}
	return x
}

// A replica holds 100,000 idle sockets: each byte of the record is 100 kB, and each allocation is
// one more that the garbage collector has to visit. 128 bytes are two cache lines; the tunnel is
// judged where it is made.
func TestARecordOfASessionIsSmall(t *testing.T) {
	var ses session
	if size := unsafe.Sizeof(ses) - unsafe.Sizeof(ses.tunnel); size > 128 {
		t.Errorf("a session takes %d bytes besides its tunnel", size)
	}
	q := newQuay(t)
	q.publish(generation("a", 1))
	x := q.exchange("http://s0.example.com/socket", handshake.WebSocket)
	var kept *session // so that it is on the heap
	if n := testing.AllocsPerRun(100, func() { kept = x.session() }); n > 2 {
		t.Errorf("%v allocations; want the record, and one string for all its text", n)
	}
	if next := q.exchange("http://s0.example.com/other", handshake.WebSocket).session(); next.terms != kept.terms {
		t.Error("two sessions of one route on one endpoint have each their own terms")
	}
}

func TestASessionIsToldAsItsRequestWas(t *testing.T) {
	q := newQuay(t)
	q.publish(generation("a", 2))
	for _, c := range []struct{ url, protocol string }{
		{"http://s0.example.com/socket", handshake.WebSocket},
		{"https://s1.example.com:8443/a%20b?token=x", handshake.WebSocket},
		{"http://s1.example.com/", "spdy/3.1"},
		{"http://S0.example.com/", handshake.WebSocket},
	} {
		x := q.exchange(c.url, c.protocol)
		want, got := x.observed(), x.session().told()
		if !got.Start.Equal(want.Start) {
			t.Errorf("%s: began at %v, want %v", c.url, got.Start, want.Start)
		}
		got.Start, want.Start = time.Time{}, time.Time{}
		if got != want {
			t.Errorf("%s: told as\n%+v, want\n%+v", c.url, got, want)
		}
	}
}

// Rules are renamed, and the address of a pod is given to another. Who opened before goes on under
// the names of then, and is drained as was promised then.
func TestASessionKeepsTheNamesUnderWhichItBegan(t *testing.T) {
	q := newQuay(t)
	q.publish(generation("before", 1))
	first := q.exchange("http://s0.example.com/", handshake.WebSocket).session()
	after := generation("after", 1)
	after.Routes[0].Drain.CloseCode = 4000
	q.publish(after)
	second := q.exchange("http://s0.example.com/", handshake.WebSocket).session()
	if s := first.told(); s.Route != "wsr/prod/before/0" || s.EndpointName != "before-pod-0" || first.terms.Value().drain.code != 1012 {
		t.Errorf("the first is told as %+v", s)
	}
	if s := second.told(); s.Route != "wsr/prod/after/0" || s.EndpointName != "after-pod-0" || second.terms.Value().drain.code != 4000 {
		t.Errorf("the second is told as %+v", s)
	}
	if a, b := first.terms.Value(), second.terms.Value(); a.route != b.route || a.endpoint != b.endpoint {
		t.Error("they are not counted on the same living route and endpoint")
	}
}

// A socket may live for weeks, and tables change every minute: what one keeps of its own is not
// the table, its routes, or the text of the objects that it came from.
func TestSessionsHoldNoTable(t *testing.T) {
	const publishes, routes = 100, 500
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // terms that nobody has any more are found by one and freed by the next
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	q := newQuay(t)
	q.publish(generation("first", routes))
	begin := heap()
	held := make([]*session, 0, publishes)
	for n := range publishes {
		cfg := generation(fmt.Sprintf("generation-%d", n), routes)
		for i := range cfg.Routes {
			cfg.Routes[i].ID = fmt.Sprintf("wsr/prod/chat/%d", i) // names of routes that are gone are remembered for a while
		}
		q.publish(cfg)
		held = append(held, q.exchange(fmt.Sprintf("http://s%d.example.com/", n), handshake.WebSocket).session())
	}
	if grown := int64(heap()) - int64(begin); grown > 1<<20 {
		t.Errorf("%d sessions hold %d KiB", len(held), grown>>10)
	}
	runtime.KeepAlive(held)
}

// BenchmarkSession is what the record of a session costs at its opening and at its end.
func BenchmarkSession(b *testing.B) {
	q := newQuay(b)
	q.publish(generation("a", 1))
	x := q.exchange("http://s0.example.com/socket", handshake.WebSocket)
	b.ReportAllocs()
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			q.sessions.remove(added(q, x))
		}
	})
	b.Run("due", func(b *testing.B) {
		ses := x.session()
		for b.Loop() {
			ses.due()
		}
	})
	b.Run("told", func(b *testing.B) {
		ses := x.session()
		for b.Loop() {
			_ = ses.told()
		}
	})
}

func added(q *quay, x *exchange) *session {
	ses := x.session()
	q.sessions.add(ses)
	return ses
}
