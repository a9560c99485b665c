package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fairlead/fairlead/proxy/model"
)

// route is what is counted for one route. It remembers its series: to delete them by a search for
// the label would be to look at all series of all routes.
type route struct {
	name       string
	counters   map[series]prometheus.Counter
	histograms map[*prometheus.HistogramVec]prometheus.Observer
	finished   traffic // of sessions that ended
	reported   traffic // what the last scrape was told, see Collect
}

func newRoute(name string) *route {
	return &route{
		name:       name,
		counters:   map[series]prometheus.Counter{},
		histograms: map[*prometheus.HistogramVec]prometheus.Observer{},
	}
}

// series names one counter of a route: the values of its one or two labels after "route".
type series struct {
	vec    *prometheus.CounterVec
	count  int
	values [2]string
}

// counter returns the route's counter with these values of the labels after "route".
func (r *route) counter(vec *prometheus.CounterVec, values ...string) prometheus.Counter {
	key := series{vec: vec}
	key.count = copy(key.values[:], values)
	c, ok := r.counters[key]
	if !ok {
		c = vec.WithLabelValues(append([]string{r.name}, values...)...)
		r.counters[key] = c
	}
	return c
}

// observe adds d to the route's histogram, in seconds.
func (r *route) observe(vec *prometheus.HistogramVec, d time.Duration) {
	h, ok := r.histograms[vec]
	if !ok {
		h = vec.WithLabelValues(r.name)
		r.histograms[vec] = h
	}
	h.Observe(d.Seconds())
}

// remove deletes the route's series.
func (r *route) remove() {
	for s := range r.counters {
		s.vec.DeleteLabelValues(append([]string{r.name}, s.values[:s.count]...)...)
	}
	for vec := range r.histograms {
		vec.DeleteLabelValues(r.name)
	}
}

// traffic is what sessions have moved in both directions.
type traffic struct{ toEndpoint, toClient model.Traffic }

func (t *traffic) add(toEndpoint, toClient model.Traffic) {
	t.toEndpoint.Bytes += toEndpoint.Bytes
	t.toEndpoint.Messages += toEndpoint.Messages
	t.toClient.Bytes += toClient.Bytes
	t.toClient.Messages += toClient.Messages
}

// raise returns the larger of both, value by value.
func (t traffic) raise(u traffic) traffic {
	return traffic{
		toEndpoint: model.Traffic{Bytes: max(t.toEndpoint.Bytes, u.toEndpoint.Bytes), Messages: max(t.toEndpoint.Messages, u.toEndpoint.Messages)},
		toClient:   model.Traffic{Bytes: max(t.toClient.Bytes, u.toClient.Bytes), Messages: max(t.toClient.Messages, u.toClient.Messages)},
	}
}
