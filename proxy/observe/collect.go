package observe

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fairlead/fairlead/proxy/model"
)

// place is the labels of fairlead_sessions.
type place struct {
	route, backend string
	endpoint       netip.AddrPort
}

// Describe implements prometheus.Collector.
func (o *Observer) Describe(ch chan<- *prometheus.Desc) {
	ch <- o.sessions
	ch <- o.bytes
	ch <- o.messages
	ch <- o.expiry
	for _, c := range o.collectors() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (o *Observer) Collect(ch chan<- prometheus.Metric) {
	o.collectTraffic(ch)
	o.collectExpiries(ch)
	for _, c := range o.collectors() {
		for _, m := range all(c) {
			ch <- m
		}
	}
}

// all returns the metrics of a collector. A vector is locked while it is collected, and whoever reads
// ch encodes each metric: event loops that begin a series should not wait for that.
func all(c prometheus.Collector) []prometheus.Metric {
	found := make(chan prometheus.Metric, 1000)
	go func() {
		defer close(found)
		c.Collect(found)
	}()
	var list []prometheus.Metric
	for m := range found {
		list = append(list, m)
	}
	return list
}

// collectTraffic sums what ended sessions have left and what live ones have moved up to now.
//
// A session that ends meanwhile has left the live list a moment before it is told to Ended. As the
// ended ones are read first, it may be missed, but never be counted twice; and as a counter that
// falls reads as a restart, no route is told less than at the last scrape.
func (o *Observer) collectTraffic(ch chan<- prometheus.Metric) {
	o.scrape.Lock()
	defer o.scrape.Unlock()

	sums := map[string]*traffic{}
	o.mu.Lock()
	for name, r := range o.routes {
		sum := r.finished
		sums[name] = &sum
	}
	o.mu.Unlock()

	places := map[place]int{}
	for l := range o.live {
		places[place{l.Route, l.Backend, l.Endpoint}]++
		// A live session's route is missing if it was forgotten, or if Opened comes in a moment.
		if sum := sums[l.Route]; sum != nil && !o.outlived(l.Session) {
			sum.add(l.ToEndpoint, l.ToClient)
		}
	}

	o.mu.Lock()
	for name, sum := range sums {
		r := o.routes[name] // still there: only Forget deletes, and it waits for scrape
		r.reported = r.reported.raise(*sum)
		*sum = r.reported
	}
	o.mu.Unlock()

	for at, n := range places {
		ch <- prometheus.MustNewConstMetric(o.sessions, prometheus.GaugeValue, float64(n), at.route, at.backend, at.endpoint.String())
	}
	for name, sum := range sums {
		o.collectDirection(ch, name, toEndpoint, sum.toEndpoint)
		o.collectDirection(ch, name, toClient, sum.toClient)
	}
}

func (o *Observer) collectDirection(ch chan<- prometheus.Metric, route, direction string, t model.Traffic) {
	ch <- prometheus.MustNewConstMetric(o.bytes, prometheus.CounterValue, float64(t.Bytes), route, direction)
	ch <- prometheus.MustNewConstMetric(o.messages, prometheus.CounterValue, float64(t.Messages), route, direction)
}
