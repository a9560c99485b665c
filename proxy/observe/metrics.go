package observe

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fairlead/fairlead/proxy/model"
)

// The values of the label "direction".
const (
	toEndpoint = "to_endpoint"
	toClient   = "to_client"
)

// metrics is every metric of the data plane. docs/metrics.md says what each is for.
type metrics struct {
	sessions, bytes, messages, expiry *prometheus.Desc // computed at the scrape

	handshakes, ends, closeCodes, requests *prometheus.CounterVec // by route
	handshakeDuration, sessionDuration     *prometheus.HistogramVec
	clientRTT, endpointRTT                 *prometheus.HistogramVec // one metric, by side

	publishes                                  *prometheus.CounterVec
	publishDuration                            prometheus.Histogram
	tableRoutes, tableBackends, tableEndpoints prometheus.Gauge
	lastPublish, readyGauge, drainingGauge     prometheus.Gauge
	controlPlaneUp, buildInfo                  *prometheus.GaugeVec
}

func newMetrics() metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fairlead_"+name, help, labels, nil)
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fairlead_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "fairlead_" + name, Help: help})
	}
	seconds := func(name, help string, buckets ...float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: "fairlead_" + name, Help: help, Buckets: buckets}
	}
	rtt := func(side string) *prometheus.HistogramVec {
		opts := seconds("keepalive_rtt_seconds", "Time from a Ping of the proxy's to its Pong, by the side that answered.",
			.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
		opts.ConstLabels = prometheus.Labels{"side": side}
		return prometheus.NewHistogramVec(opts, []string{"route"})
	}
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	return metrics{
		sessions: desc("sessions", "Live sessions.", "route", "backend", "endpoint"),
		bytes: desc("bytes_total",
			"Bytes that sessions have moved after their handshake, live ones included.", "route", "direction"),
		messages: desc("messages_total",
			"WebSocket messages that sessions have moved, live ones included.", "route", "direction"),
		expiry: desc("certificate_expiry_timestamp_seconds",
			"When a certificate that is served expires, as Unix time.", "certificate"),
		handshakes: counters("handshakes_total",
			"Upgrade requests by result: Established, or the reason of the refusal.", "route", "reason"),
		ends: counters("session_ends_total", "Sessions that ended, by reason and by the side that ended them.",
			"route", "reason", "side"),
		closeCodes: counters("close_codes_total", "Sessions that ended with a Close frame, by the side that sent it and its code.",
			"route", "side", "code"),
		requests: counters("http_requests_total", "Plain HTTP requests by status code.", "route", "code"),
		handshakeDuration: prometheus.NewHistogramVec(seconds("handshake_duration_seconds",
			"Time from a request's head to its 101.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10), []string{"route"}),
		sessionDuration: prometheus.NewHistogramVec(seconds("session_duration_seconds",
			"Time from a request's head to the end of its session.",
			1, 5, 15, minute, 5*minute, 15*minute, hour, 4*hour, 12*hour, day, 3*day, 7*day), []string{"route"}),
		clientRTT: rtt(string(model.ByClient)), endpointRTT: rtt(string(model.ByEndpoint)),
		publishes: counters("publishes_total", "Publishes by result: changed, or unchanged when the table stayed.", "result"),
		publishDuration: prometheus.NewHistogram(seconds("publish_duration_seconds",
			"Time from the beginning of reading the objects to the table that serves.",
			.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)),
		tableRoutes:    gauge("table_routes", "Routes in the published table."),
		tableBackends:  gauge("table_backends", "Backends in the published table."),
		tableEndpoints: gauge("table_endpoints", "Endpoints in the published table."),
		lastPublish:    gauge("last_publish_timestamp_seconds", "When the table last changed, as Unix time; 0 before the first."),
		readyGauge:     gauge("ready", "1 when this replica wants new connections."),
		drainingGauge:  gauge("draining", "1 when this replica is shutting down."),
		controlPlaneUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fairlead_control_plane_up",
			Help: "1 when the API server answers; absent without a control plane."}, nil),
		buildInfo: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fairlead_build_info",
			Help: "Always 1; its labels say what this replica runs."}, []string{"version", "revision", "goversion"}),
	}
}

// collectors returns the metrics that keep their own values.
func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.handshakes, m.ends, m.closeCodes, m.requests, m.handshakeDuration, m.sessionDuration, m.clientRTT, m.endpointRTT,
		m.publishes, m.publishDuration, m.tableRoutes, m.tableBackends, m.tableEndpoints,
		m.lastPublish, m.readyGauge, m.drainingGauge, m.controlPlaneUp, m.buildInfo,
	}
}

// closeCodes are the labels of 1000 to 1014, so that the end of a session allocates none.
var closeCodes = func() (labels [15]string) {
	for i := range labels {
		labels[i] = strconv.Itoa(1000 + i)
	}
	return labels
}()

// closeCodeLabel returns the code as RFC 6455 section 7.4.1 and its registry know it, or the range
// that it is from: an endpoint may choose any of a thousand codes, a label may not.
func closeCodeLabel(code int) string {
	switch {
	case 1000 <= code && code <= 1014:
		return closeCodes[code-1000]
	case 3000 <= code && code <= 3999:
		return "3xxx"
	case 4000 <= code && code <= 4999:
		return "4xxx"
	}
	return "other"
}

// statusLabel returns an HTTP status as label: "none" when the client left before it was answered.
func statusLabel(status int) string {
	switch {
	case status == 0:
		return "none"
	case 100 <= status && status <= 599:
		return strconv.Itoa(status)
	}
	return "other"
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
