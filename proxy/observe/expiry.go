package observe

import "github.com/prometheus/client_golang/prometheus"

// collectExpiries tells when each certificate expires that is served now: there is nothing to forget
// when one goes.
func (o *Observer) collectExpiries(ch chan<- prometheus.Metric) {
	for name, at := range o.expiries {
		ch <- prometheus.MustNewConstMetric(o.expiry, prometheus.GaugeValue, float64(at.Unix()), name)
	}
}
