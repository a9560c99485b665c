package tunnel_test

import (
	"io"
	"net"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// sink is an owner that waits.
type sink chan tunnel.Result

func (s sink) TunnelEnded(r tunnel.Result) { s <- r }

func (s sink) TunnelPonged(model.Side, time.Duration) {}

// One message to the endpoint and back, over loopback: the tunnel's share is two reads and two
// writes. "direct" is the same without a tunnel.
func BenchmarkEcho(b *testing.B) {
	spec := tunnel.Spec{Frames: true, Idle: time.Hour, Stall: time.Minute, Close: time.Second}
	for _, size := range []int{64, 1024, 16384, 262144} {
		for name, n := range networks {
			b.Run(name+"/"+strconv.Itoa(size), func(b *testing.B) { benchmarkEcho(b, n, size, &spec) })
		}
		b.Run("direct/"+strconv.Itoa(size), func(b *testing.B) { benchmarkEcho(b, plain, size, nil) })
	}
}

func benchmarkEcho(b *testing.B, n network, size int, spec *tunnel.Spec) {
	owner := make(sink, 1)
	client, endpoint := n(b)
	if spec != nil {
		s := *spec
		s.Client, s.Owner = endpoint, owner
		endpoint, s.Endpoint = n(b)
		engine.Start(new(tunnel.Tunnel), s)
	}
	_ = client.SetDeadline(time.Time{})
	_ = endpoint.SetDeadline(time.Time{})
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		_, _ = io.CopyBuffer(struct{ io.Writer }{endpoint}, struct{ io.Reader }{endpoint}, make([]byte, 64<<10))
	}()
	out := message(make([]byte, size), true)
	in := make([]byte, len(out))
	b.SetBytes(int64(2 * len(out)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(client, in); err != nil {
			b.Fatal(err)
		}
	}
	hangUp(client)
	if spec != nil {
		hangUp(endpoint)
		<-owner
	}
	hangUp(endpoint)
	<-echoed
}

// What a tunnel holds that has moved a message each way and waits for the next: heap and stacks,
// without the kernel's buffers.
func BenchmarkIdleTunnel(b *testing.B) {
	for name, n := range networks {
		b.Run(name, func(b *testing.B) {
			const tunnels = 500
			var before, after runtime.MemStats
			for b.Loop() {
				owner := make(sink, tunnels)
				conns := make([][2]net.Conn, tunnels)
				nears := make([][2]net.Conn, tunnels)
				for i := range conns {
					conns[i][0], nears[i][0] = n(b)
					conns[i][1], nears[i][1] = n(b)
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&before)
				started := make([]*tunnel.Tunnel, tunnels)
				for i := range started {
					started[i] = new(tunnel.Tunnel)
					engine.Start(started[i], tunnel.Spec{
						Client: nears[i][0], Endpoint: nears[i][1], Frames: true,
						Idle: time.Hour, Stall: time.Minute, Close: time.Second, Owner: owner,
					})
					pass(b, conns[i][0], conns[i][1], message(make([]byte, 3000), true))
					pass(b, conns[i][1], conns[i][0], message(make([]byte, 3000), false))
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/tunnels, "B/tunnel")
				b.ReportMetric(float64(after.StackInuse-before.StackInuse)/tunnels, "stack-B/tunnel")
				for i := range started {
					started[i].Kill(tunnel.Cause{Reason: "Benchmark"})
					<-owner
				}
			}
		})
	}
}

func pass(b *testing.B, from, to net.Conn, p []byte) {
	b.Helper()
	if _, err := from.Write(p); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(to, p); err != nil {
		b.Fatal(err)
	}
}
