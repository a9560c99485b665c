package tunnel_test

import (
	"errors"
	"flag"
	"fmt"
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
	manyTunnels  = flag.Int64("tunnels", 1_500, "how many tunnels TestChurn opens")
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
				up, err := x.converse(id, uint64(n), int(id)%4)
				if err != nil {
					t.Errorf("conversation %d of kind %d, with %d messages: %v", id, id%4, n, err)
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

// converse sends so many messages through a tunnel of their own and expects each back.
func (x *exchange) converse(id, messages uint64, kind int) (up model.Traffic, err error) {
	out := newSpeaker(id, true)
	client, endpoint, err := x.ends(kind, out.Rand)
	if err != nil {
		return up, err
	}
	for _, n := range []line{client, endpoint} {
		_ = n.far.SetDeadline(time.Now().Add(5 * time.Minute))
		defer hangUp(n.tcp)
	}
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
	go func() { errs <- named("client's sending half", out.talk(client, messages)) }()
	in, err := hearAll(client.far, id)
	err = errors.Join(named("client", err), <-errs, <-errs)
	if err != nil {
		return up, errors.Join(err, named("tunnel", (<-owner).Err))
	}
	result := <-owner
	up = model.Traffic{Bytes: out.bytes, Messages: messages}
	down := model.Traffic{Bytes: in.bytes, Messages: in.messages}
	if result.ToEndpoint != up || result.ToClient != down || down.Messages != messages ||
		result.Reason != model.Closed || result.By != model.ByClient || result.CloseCode != 1000 || result.Err != nil {
		err = fmt.Errorf("sent %+v, got %+v, ended with %+v", up, down, result)
	}
	return up, err
}

// talk says so many messages, many at a time when they are small, then Close.
func (s *speaker) talk(to line, messages uint64) error {
	batch := 1 << s.IntN(16)
	for range messages {
		s.message(s.anySize())
		if len(s.out) < batch {
			continue
		}
		if err := s.flush(to.far); err != nil {
			return err
		}
		batch = 1 << s.IntN(16)
	}
	s.close(1000)
	return s.flush(to.far)
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
