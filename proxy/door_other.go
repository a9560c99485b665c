//go:build !linux || portable

package proxy

import (
	"context"
	"net"
)

// openDoors lets net/http accept the connections.
func (s *Server) openDoors(l net.Listener) (net.Listener, error) { return s.balancers.Listener(l), nil }

// closeDoors has nothing to close.
func (s *Server) closeDoors(context.Context) {}

// doors are net/http's.
type doors struct{}
