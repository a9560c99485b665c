// Package conformance holds what the conformance features of Kubernetes ask of every ingress controller
// (host rules, path rules, ingress class, default backend, load balancing): each as objects applied to a
// real API server, real pods behind them, and requests and WebSockets through the real proxy. A
// scenario is checked with plain requests and with sockets, for a route that only one of them finds would
// be a wrong one.
package conformance
