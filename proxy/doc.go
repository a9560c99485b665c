// Package proxy is the data plane: it accepts connections, finds the route of each request, and
// upgrades and tunnels WebSockets to the endpoints of the route.
//
// The packages below are the life of a connection, in order: accept, handshake, admit, balance,
// backend, tunnel; table says where a request goes, live holds what outlives a table, observe
// tells the outcome. This package puts them together: a [Server] is told its route table by
// Publish, and session.go reads as the table of contents of one request.
//
// Nothing here knows Kubernetes.
package proxy
