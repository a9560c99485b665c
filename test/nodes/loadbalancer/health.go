package loadbalancer

import (
	"context"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// A node is asked every interval, and two equal answers in a row decide; the first one decides alone.
const (
	interval = time.Second
	decisive = 2
)

// check knows whether a node is well.
type check struct {
	name    string
	address netip.Addr
	url     string
	healthy atomic.Bool
}

func newCheck(name string, address netip.Addr, options Options) *check {
	return &check{name: name, address: address, url: "http://" + netip.AddrPortFrom(address, options.HealthPort).String() + options.HealthPath}
}

func (c *check) run(ctx context.Context) {
	client := &http.Client{
		Timeout:   interval, // a node that has gone says nothing
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	c.healthy.Store(c.ask(ctx, client))
	other := 0 // answers in a row that are not what we believe
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.ask(ctx, client) == c.healthy.Load() {
			other = 0
		} else if other++; other == decisive {
			c.healthy.Store(!c.healthy.Load())
			other = 0
		}
	}
}

func (c *check) ask(ctx context.Context, client *http.Client) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close() // the status says it all
	return answer.StatusCode == http.StatusOK
}
