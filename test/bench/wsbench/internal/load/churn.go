//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ChurnParams say how much goes on.
type ChurnParams struct {
	RateParams
	Publishes int
}

// churnTimeout bounds the whole, generously: a publisher pauses between two publishes.
const churnTimeout = 10 * time.Minute

// Churn has the configuration of the proxy changed again and again while messages go through it as
// in Rate, and counts what is closed or lost meanwhile.
func Churn(ctx context.Context, g Rig, p ChurnParams) (Figures, error) {
	if g.Publish == nil {
		return nil, errors.New("it can't be told to publish")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, churnTimeout, fmt.Errorf("%d publishes took more than %s", p.Publishes, churnTimeout))
	defer cancel()
	r := newRate(p.RateParams)
	f := newFleet(g, PathEcho, tlsAtOnce)
	defer f.close()
	if err := f.open(ctx, p.Sockets, r); err != nil {
		return nil, err
	}
	r.begin(f.sockets)
	r.from = 1 // from the first one that is due after the beginning
	begun := time.Now()
	over := publishAll(ctx, g.Publish, p.Publishes)
	var failed error
	err := g.Run(ctx, func() bool {
		r.send(time.Now())
		select {
		case failed = <-over:
			over = nil
			return false
		default:
			return true
		}
	})
	took := time.Since(begun)
	if over != nil {
		cancel()
		failed = <-over
	}
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	if err := r.await(ctx, g.Loop); err != nil {
		return nil, err
	}
	figures := Figures{
		"publishes":      float64(p.Publishes),
		"publish_ms":     float64(took) / float64(time.Millisecond) / float64(p.Publishes),
		"tunnels_closed": float64(r.cut),
		"messages":       float64(r.sent),
		"messages_lost":  float64(r.lost()),
	}
	r.quantiles(figures)
	return figures, nil
}

// publishAll publishes one change after the other beside the loop and tells when it is through.
func publishAll(ctx context.Context, publish func(context.Context, int) error, publishes int) <-chan error {
	over := make(chan error, 1)
	go func() {
		for n := range publishes {
			if err := publish(ctx, n+1); err != nil {
				over <- err
				return
			}
		}
		over <- nil
	}()
	return over
}
