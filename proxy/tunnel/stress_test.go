package tunnel_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// How long the long stories are; make stress tells longer ones.
var (
	manyMessages = flag.Int64("messages", 100_000, "how many messages TestStress sends there and back")
	manyTunnels  = flag.Int64("tunnels", 1_000, "how many tunnels TestChurn opens")
)

// Many clients talk to many endpoints through plain tunnels and TLS: messages of all sizes, whole
// and fragmented, with Pings between. Each comes back as it was sent, in order, and is counted.
func TestStress(t *testing.T) {
	const abreast = 48
	x := newExchange(t)
	var left atomic.Int64
	left.Store(*manyMessages)
	var sent, bytes, tunnels atomic.Uint64
	began := time.Now()
	var wg sync.WaitGroup
	for worker := range abreast {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 11))
			for !t.Failed() {
				n := 1 + r.Int64N(min(max(*manyMessages/abreast, 1), 50_000))
				n = min(n, left.Add(-n)+n)
				if n <= 0 {
					return
				}
				id := tunnels.Add(1)
				said := int64(0)
				up, err := x.converse(id, func() bool { said++; return said <= n })
				if err != nil {
					t.Errorf("conversation %d of %d messages: %v", id, n, err)
				}
				sent.Add(up.Messages)
				bytes.Add(up.Bytes)
			}
		})
	}
	wg.Wait()
	if got := sent.Load(); got != uint64(*manyMessages) {
		t.Errorf("%d messages came back, want %d", got, *manyMessages)
	}
	t.Logf("%d messages, %d MB, through %d tunnels and back in %s", sent.Load(), bytes.Load()>>20, tunnels.Load(), time.Since(began).Round(time.Millisecond))
}

// converse sends messages through a tunnel of their own, as long as there are more, and expects each
// back. Four conversations in a row have plain tunnels and all kinds of TLS.
func (x *exchange) converse(id uint64, more func() bool) (up model.Traffic, err error) {
	out := newSpeaker(id, true)
	client, endpoint, err := x.ends(int(id%4), out.Rand)
	if err != nil {
		return up, err
	}
	defer hangUp(client.tcp)
	defer hangUp(endpoint.tcp)
	_ = client.far.SetDeadline(time.Now().Add(5 * time.Minute))
	_ = endpoint.far.SetDeadline(time.Now().Add(5 * time.Minute))
	owner := make(sink, 2)
	engine.Start(new(tunnel.Tunnel), tunnel.Spec{
		Client: client.near, Endpoint: endpoint.near, Frames: true, Owner: owner,
		Idle: time.Minute, Stall: time.Minute, Close: time.Minute,
	})
	errs := make(chan error, 2)
	go func() {
		err := echo(endpoint.far, id)
		hangUp(endpoint.far)
		errs <- named("endpoint", err)
	}()
	go func() { errs <- named("client's sending half", out.talk(client.far, more)) }()
	in, err := hearAll(client.far, id)
	err = errors.Join(named("client", err), <-errs, <-errs)
	result := <-owner
	if err != nil {
		return up, errors.Join(err, named("tunnel", result.Err))
	}
	up = model.Traffic{Bytes: out.bytes, Messages: out.messages}
	down := model.Traffic{Bytes: in.bytes, Messages: in.messages}
	if result.ToEndpoint != up || result.ToClient != down || down.Messages != up.Messages ||
		result.Reason != model.Closed || result.By != model.ByClient || result.CloseCode != 1000 || result.Err != nil {
		err = fmt.Errorf("sent %+v, got %+v, ended with %+v", up, down, result)
	}
	return up, err
}

// talk says messages as long as there are more, many at a time when they are small, then Close.
func (s *speaker) talk(to io.Writer, more func() bool) error {
	batch := 1 << s.IntN(16)
	for more() {
		s.message(s.anySize())
		if len(s.out) < batch {
			continue
		}
		if err := s.flush(to); err != nil {
			return err
		}
		batch = 1 << s.IntN(16)
	}
	s.close(1000)
	return s.flush(to)
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
