// Package observe turns what happens to sessions into metrics and log lines. It is the only package
// that knows Prometheus.
//
// The data plane tells an [Observer] when a tunnel opens and, exactly once for every request, how it
// ended: an [Outcome]. Counters of bytes and messages also hold what live sessions have moved so
// far: a socket may live for weeks, and a graph that shows its traffic only at the end is of no use.
// They are summed at the scrape, so a tunnel pays nothing for being observed. Log lines leave by an
// [Outlet], so that it doesn't wait for whoever reads them either.
//
// Labels are bounded by the configuration (route, backend, endpoint) or by a list of constants
// (reason, side, code, direction). Never is a path or a client one of them: whoever can send a
// request could then fill the memory of everyone who scrapes. Labels of routes that are gone are
// deleted, see [Observer.Forget]. docs/metrics.md lists every metric.
package observe
