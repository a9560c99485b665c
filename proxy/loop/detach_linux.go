//go:build linux && !portable

package loop

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Detach takes the socket out of a connection, which is closed; the socket stays open and does not
// block. After an error the connection is as it was.
func Detach(c *net.TCPConn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	// The runtime's poller watches the descriptor and would wake for each event. A copy is not watched.
	var failed error
	err = raw.Control(func(from uintptr) { fd, failed = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		return -1, err
	}
	if failed != nil {
		return -1, os.NewSyscallError("dup", failed)
	}
	_ = c.Close() // the socket lives on in the copy
	return fd, nil
}
