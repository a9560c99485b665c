//go:build linux && !portable

package loop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Detach takes the socket out of a connection, which is closed; the socket stays open and does not
// block. After an error the connection is as it was.
func Detach(c *net.TCPConn) (fd int, err error) {
	fd, err = duplicate(c)
	if err == nil {
		_ = c.Close() // the socket lives on in the copy
	}
	return fd, err
}

// DetachListener is Detach for a listener. Connections that it accepts have no delay and are probed,
// since they inherit that, and are accepted when their first bytes have come.
func DetachListener(l *net.TCPListener) (fd int, err error) {
	if fd, err = duplicate(l); err != nil {
		return -1, err
	}
	_ = l.Close()
	if err := errors.Join(setNoDelay(fd), SetProbes(fd), setDeferAccept(fd)); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// duplicate returns a copy of a descriptor. The runtime's poller watches the original and would wake
// for each of its events; a copy is not watched once the original is closed.
func duplicate(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	err = raw.Control(func(from uintptr) { fd, failed = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		return -1, err
	}
	if failed != nil {
		return -1, os.NewSyscallError("dup", failed)
	}
	return fd, nil
}

// Attach gives a socket to the Go runtime. The descriptor is closed, also after an error.
func Attach(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "socket")
	conn, err := net.FileConn(file) // a copy
	_ = file.Close()
	if err != nil {
		return nil, fmt.Errorf("a socket for the runtime: %w", err)
	}
	return conn, nil
}

// Accept takes a connection that waits on a listening socket. EAGAIN says that there is none.
func Accept(listener int) (fd int, from netip.AddrPort, errno syscall.Errno) {
	var peer unix.RawSockaddrInet6 // has room for IPv4 too
	size := uint32(unsafe.Sizeof(peer))
	fd, errno = again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&peer)), uintptr(unsafe.Pointer(&size)),
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	})
	if errno != 0 {
		return -1, from, errno
	}
	port := ntohs(peer.Port) // stands at the same place for both families
	if peer.Family == unix.AF_INET {
		return fd, netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&peer)).Addr), port), 0
	}
	return fd, netip.AddrPortFrom(netip.AddrFrom16(peer.Addr).Unmap(), port), 0
}

// Connect begins a TCP connection. The socket can be written to, or has failed, when the loop says
// that it is Writable. It has no delay (TCP_NODELAY); for probes see [SetProbes].
func Connect(to netip.AddrPort) (fd int, err error) {
	address := to.Addr().Unmap()
	family := unix.AF_INET6
	if address.Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err = setNoDelay(fd); err == nil {
		// Bare: whoever reports it knows where to.
		if errno := connect(fd, address, to.Port()); errno != 0 && errno != unix.EINPROGRESS {
			err = errno
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func connect(fd int, address netip.Addr, port uint16) syscall.Errno {
	if address.Is4() {
		to := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: ntohs(port), Addr: address.As4()}
		_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
		return errno
	}
	to := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: ntohs(port), Addr: address.As16()}
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	return errno
}

// ntohs turns a port from the network's order into the machine's, and back.
func ntohs(port uint16) uint16 {
	var p [2]byte
	binary.NativeEndian.PutUint16(p[:], port)
	return binary.BigEndian.Uint16(p[:])
}

// Shutdown ends the stream towards the other end (FIN).
func Shutdown(fd int) {
	// What fails is over anyway.
	_, _, _ = syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
}

// closeSocket closes a non-blocking socket.
func closeSocket(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// SetUserTimeout bounds how long bytes may stay unacknowledged before the connection is given up:
// without it a peer that vanishes while bytes are under way keeps the socket for 15 minutes.
func SetUserTimeout(fd int, d time.Duration) error {
	return set(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d/time.Millisecond))
}

// SetProbes lets the kernel probe a peer that is silent, as KeepAlive says.
func SetProbes(fd int) error {
	return errors.Join(
		set(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1),
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(KeepAlive.Idle/time.Second)),
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(KeepAlive.Interval/time.Second)),
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, KeepAlive.Count),
	)
}

func setNoDelay(fd int) error { return set(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// deferAccept is how long the kernel keeps a connection to itself until its first bytes come. Who
// opens connections and says nothing costs the process nothing, and who does is read at once.
const deferAccept = 5 * time.Second

func setDeferAccept(fd int) error {
	return set(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, int(deferAccept/time.Second))
}

func set(fd, level, option, value int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, level, option, value))
}
