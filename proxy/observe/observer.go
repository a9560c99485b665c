package observe

import (
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fairlead/fairlead/proxy/model"
)

// Registry is where metrics are registered and read. controller-runtime's metrics.Registry is one.
type Registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// NewRegistry returns a Registry with the metrics of the Go runtime and of the process.
func NewRegistry() Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// A session of a forgotten route may end a moment after the route was forgotten, or in weeks. Those
// that live are known by the list; a handshake or a plain request is not, and has this long to end.
const (
	forgottenFor = time.Hour
	forgottenMin = 1000 // so many names are kept whatever their age: cheaper than looking
)

// Observer records outcomes in metrics and logs. Its methods may be called at the same time.
type Observer struct {
	reg      Registry
	log      *slog.Logger
	live     iter.Seq[Live]
	expiries iter.Seq2[string, time.Time]
	metrics

	// scrape is held while live sessions are summed, mu only for moments; scrape is taken first.
	// Ended waits for mu alone, so a live list may hold a lock of its own while it is read.
	scrape sync.Mutex
	mu     sync.Mutex
	routes map[string]*route    // guarded by mu
	gone   map[string]time.Time // when a route was forgotten; written under both locks

	flood flood

	// What was last told, so that only a change is logged. Guarded by mu.
	controlPlane, ready, draining string
}

// New registers the metrics of the data plane with reg and returns their Observer. live lists the
// live tunnels and may be ranged over at any time; a session must have left it before Ended is told
// of it, otherwise its bytes could be counted twice. expiries lists the certificates that are served,
// each name once, and when they expire. The error says that reg has such metrics already.
func New(reg Registry, log *slog.Logger, live iter.Seq[Live], expiries iter.Seq2[string, time.Time]) (*Observer, error) {
	o := &Observer{
		reg: reg, log: log, live: live, expiries: expiries,
		metrics: newMetrics(),
		routes:  map[string]*route{},
		gone:    map[string]time.Time{},
	}
	if err := reg.Register(o); err != nil {
		return nil, fmt.Errorf("observe: metrics can't be registered (one Observer per registry): %w", err)
	}
	return o, nil
}

// Build is what a replica runs.
type Build struct {
	Version, Revision string // as fairlead version tells them
}

// Built records what this replica runs. It is told once.
func (o *Observer) Built(b Build) {
	o.buildInfo.WithLabelValues(b.Version, b.Revision, runtime.Version()).Set(1)
}

// Opened records that a tunnel stands; handshake is the time from the session's Start to its 101.
func (o *Observer) Opened(s Session, handshake time.Duration) {
	o.count(s, func(r *route) {
		r.counter(o.handshakes, string(model.Established)).Inc()
		r.observe(o.handshakeDuration, handshake)
	})
	o.logOpened(s, handshake)
}

// Ponged records how long an end took to answer a Ping of the proxy's.
func (o *Observer) Ponged(s Session, by model.Side, after time.Duration) {
	o.count(s, func(r *route) {
		if by == model.ByClient {
			r.observe(o.clientRTT, after)
		} else {
			r.observe(o.endpointRTT, after)
		}
	})
}

// Ended records how a request ended. It must be told exactly once for each, refused ones included.
func (o *Observer) Ended(out Outcome) {
	o.count(out.Session, func(r *route) {
		switch {
		case out.Tunnelled:
			r.counter(o.ends, string(out.Reason), string(out.By)).Inc()
			r.observe(o.sessionDuration, out.Duration)
			if out.CloseCode != 0 {
				r.counter(o.closeCodes, string(out.By), closeCodeLabel(out.CloseCode)).Inc()
			}
		case out.Protocol != "":
			r.counter(o.handshakes, string(out.Reason)).Inc()
		default:
			r.counter(o.requests, statusLabel(out.Status)).Inc()
		}
		r.finished.add(out.ToEndpoint, out.ToClient)
	})
	o.logEnded(out)
}

// count calls record with the route's series, unless the session began before its route was
// forgotten: then nothing is counted any more.
func (o *Observer) count(s Session, record func(*route)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.outlived(s) {
		return
	}
	r := o.routes[s.Route]
	if r == nil {
		r = newRoute(s.Route)
		o.routes[s.Route] = r
	}
	record(r)
}

// outlived reports whether s began before its route was forgotten. Any of the two locks is enough.
func (o *Observer) outlived(s Session) bool {
	at, ok := o.gone[s.Route]
	return ok && !s.Start.After(at)
}

// Forget deletes the labels of routes that a publish has removed. Call it after the table without
// them is in place: sessions that began before are then no longer counted by route, so that their
// end doesn't bring the labels back; sessions that begin afterwards belong to a route that has
// returned under its old name, and count from zero. fairlead_sessions still lists what is live.
func (o *Observer) Forget(routes []string) {
	if len(routes) == 0 {
		return
	}
	o.scrape.Lock()
	defer o.scrape.Unlock()
	now := time.Now()
	stale := o.staleNames(now)

	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.gone, func(name string, _ time.Time) bool { return stale[name] })
	for _, name := range routes {
		o.gone[name] = now
		if r := o.routes[name]; r != nil {
			r.remove()
			delete(o.routes, name)
		}
	}
}

// staleNames returns the forgotten names that no session can bring back any more. Without it, the
// names of every preview environment that ever was would be kept.
func (o *Observer) staleNames(now time.Time) map[string]bool {
	if len(o.gone) < forgottenMin {
		return nil
	}
	stale := map[string]bool{}
	for name, at := range o.gone {
		if now.Sub(at) > forgottenFor {
			stale[name] = true
		}
	}
	for l := range o.live {
		if o.outlived(l.Session) {
			delete(stale, l.Route)
		}
	}
	return stale
}

// Published records a publish.
func (o *Observer) Published(p Publish) {
	o.tableRoutes.Set(float64(p.Routes))
	o.tableBackends.Set(float64(p.Backends))
	o.tableEndpoints.Set(float64(p.Endpoints))
	if !p.Changed {
		o.publishes.WithLabelValues("unchanged").Inc()
		return
	}
	o.publishes.WithLabelValues("changed").Inc()
	o.publishDuration.Observe(p.Took.Seconds())
	o.lastPublish.SetToCurrentTime()
	o.log.Info("route table published", "change", p.Change,
		"routes", p.Routes, "backends", p.Backends, "endpoints", p.Endpoints, "took", p.Took)
}

// ControlPlane records whether the API server answers. Until it is first told, as in standalone
// mode, the metric does not exist.
func (o *Observer) ControlPlane(up bool) {
	o.controlPlaneUp.WithLabelValues().Set(number(up))
	if o.changed(&o.controlPlane, up) {
		if up {
			o.log.Info("control plane answers")
		} else {
			o.log.Warn("control plane does not answer; traffic goes on with the last table")
		}
	}
}

// Readiness records whether this replica wants new connections, and whether it is shutting down.
func (o *Observer) Readiness(ready, draining bool) {
	o.readyGauge.Set(number(ready))
	o.drainingGauge.Set(number(draining))
	if isReady, isDraining := o.changed(&o.ready, ready), o.changed(&o.draining, draining); isReady || isDraining {
		o.log.Info("readiness changed", "ready", ready, "draining", draining)
	}
}

// changed stores now in last and reports whether it differs from what was told before.
func (o *Observer) changed(last *string, now bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := *last
	*last = fmt.Sprint(now)
	return before != *last
}

// Handler serves the registry in the text formats of Prometheus. A metric that can't be collected
// is left out and logged; the others are served.
func (o *Observer) Handler() http.Handler {
	return promhttp.HandlerFor(o.reg, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(o.log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError,
	})
}
