package proxy

// SetTicketKeys makes the first key the one that TLS session tickets are sealed with, and all of them
// open tickets: replicas that are given the same keys resume each other's sessions. The keys before
// are dropped, and with them what they sealed. Without keys the server makes its own, as it does
// until the first call. It may be called at any time; connections that stand are not touched.
func (s *Server) SetTicketKeys(keys [][32]byte) { s.tickets.SetKeys(keys) }
