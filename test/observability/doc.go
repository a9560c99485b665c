// Package observability proves that whoever watches Fairlead is told the truth: the alerts of the chart by
// Prometheus' own code, each with series on which it fires and others on which it must not; and what alerts,
// dashboard and autoscaling ask for by a scrape of a real replica that serves real sockets.
//
//	go test ./test/observability
//
// builds helm, promtool and fairlead the first time, and needs the control plane of hack/kube/build.sh.
package observability
