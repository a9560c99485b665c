package proxy

import (
	"net/netip"
	"sync/atomic"
)

// unannounced returns what is told of connections that should have begun with the PROXY protocol. The
// first one is told loudly: mostly the load balancer was not told to send it, and then none is served.
func (s *Server) unannounced() func(peer netip.Addr, err error) {
	var told atomic.Bool
	return func(peer netip.Addr, err error) {
		if told.Swap(true) {
			s.log.Debug("connection closed: no PROXY protocol", "peer", peer, "error", err)
			return
		}
		s.log.Warn("a connection from a network that must send the PROXY protocol did not, and was closed; further ones are told at level debug: "+
			"is the load balancer set to send it, and is nobody else in that network?", "peer", peer, "error", err)
	}
}
