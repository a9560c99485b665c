//go:build unix && (!linux || portable)

package tunnel

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn returns the access to a socket that lets a source wait without a buffer. Only a bare
// TCP connection has it: whatever wraps one may hold bytes that the socket no longer has.
func rawConn(c net.Conn) syscall.RawConn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// fill takes a buffer and reads what the socket holds. When that is nothing it gives the buffer
// back and reports false: the runtime then waits until the socket is readable and asks again.
func (s *source) fill(fd uintptr) bool {
	s.take()
	for {
		s.n, s.err = syscall.Read(int(fd), s.buf[:])
		switch s.err {
		case nil:
			if s.n == 0 {
				s.err = io.EOF
			}
		case syscall.EINTR: //nolint:errorlint // syscall.Read returns it bare
			continue
		case syscall.EAGAIN:
			s.release()
			return false
		default:
			s.n, s.err = 0, os.NewSyscallError("read", s.err)
		}
		return true
	}
}
