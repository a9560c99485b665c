//go:build !linux || portable

package proxy

import "net"

// openDoors lets net/http accept the connections.
func (s *Server) openDoors(l net.Listener) (net.Listener, error) { return l, nil }
