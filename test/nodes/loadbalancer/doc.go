// Package loadbalancer is a cloud's network load balancer for tests: it accepts TCP connections on an address of its own and
// relays each to a node that is well, byte by byte. It asks each node once a second, over HTTP, whether it is well.
//
// Like those of clouds it keeps the connections of a node that has become unwell: they may be drained, and it can't know.
// It can begin each connection with a PROXY protocol header of version 2, which tells the client's address.
package loadbalancer
