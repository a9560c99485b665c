package observe

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fairlead/fairlead/proxy/model"
)

// BenchmarkScrape scrapes with 100,000 live sessions of 1,000 routes on 3,000 endpoints.
func BenchmarkScrape(b *testing.B) {
	const sessions, routes, endpoints = 100_000, 1000, 3000
	list := make([]Live, sessions)
	for i := range list {
		list[i] = Live{ToClient: model.Traffic{Bytes: 1000}}
		list[i].Session = Session{
			ID: uint64(i), Route: "wsr/prod/" + strconv.Itoa(i%routes), Backend: "prod/chat:8080", Start: time.Now(),
			Endpoint: netip.MustParseAddrPort(fmt.Sprintf("10.0.%d.%d:8080", i%endpoints/250, i%endpoints%250)), Protocol: "websocket",
		}
	}
	reg := prometheus.NewRegistry()
	o, err := New(reg, slog.New(slog.DiscardHandler), func(yield func(Live) bool) {
		for i := range list {
			if !yield(list[i]) {
				return
			}
		}
	}, none)
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range list {
		o.Opened(l.Session, time.Millisecond)
	}
	b.Run("sum", func(b *testing.B) { // what the live sessions cost
		ch := make(chan prometheus.Metric, 64)
		go func() {
			for range ch {
				continue
			}
		}()
		defer close(ch)
		for b.Loop() {
			o.collectTraffic(ch)
		}
	})
	b.Run("gather", func(b *testing.B) { // all of it, as /metrics does
		for b.Loop() {
			if _, err := reg.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSession is what a session costs its observer from the opening to the end: all of them of
// one route, on all cores, as in a storm.
func BenchmarkSession(b *testing.B) {
	session := Session{
		ID: 1 << 50, Route: "wsr/prod/chat/main", Backend: "prod/chat:8080", Endpoint: netip.MustParseAddrPort("10.0.0.1:8080"),
		EndpointName: "chat-7d8f9c", Client: netip.MustParseAddr("192.0.2.7"), Host: "chat.example.com", Path: "/socket", Protocol: "websocket",
	}
	out := Outcome{
		Session: session, Reason: model.Closed, By: model.ByClient, CloseCode: 1000, Status: 101, Tunnelled: true,
		Handshake: time.Millisecond, Duration: time.Hour, ToClient: model.Traffic{Bytes: 1000, Messages: 10},
	}
	for name, log := range map[string]*slog.Logger{
		"silent": slog.New(slog.DiscardHandler), "logged": slog.New(slog.NewJSONHandler(io.Discard, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			o, err := New(prometheus.NewRegistry(), log, func(func(Live) bool) {}, none)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					o.Opened(session, time.Millisecond)
					o.Ended(out)
				}
			})
		})
	}
}
