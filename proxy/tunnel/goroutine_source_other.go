//go:build !unix

package tunnel

import (
	"net"
	"syscall"
)

// rawConn returns nil: reading a socket outside of the runtime's own calls works on Unix only.
func rawConn(net.Conn) syscall.RawConn { return nil }

// fill is never called where rawConn returns nil.
func (s *source) fill(uintptr) bool { return true }
