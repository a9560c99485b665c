//go:build linux

package load

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These never block, so that the scheduler need not be told of them.

// recv reads what is there. discard leaves the bytes in the kernel and counts them only (tcp(7), MSG_TRUNC).
func recv(fd int, b []byte, discard bool) (int, error) {
	flags := uintptr(unix.MSG_DONTWAIT)
	if discard {
		flags |= unix.MSG_TRUNC
	}
	return result(syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0))
}

// send writes what fits.
func send(fd int, b []byte) (int, error) {
	return result(syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0))
}

// poll asks for events without waiting.
func poll(epoll int, events []unix.EpollEvent) (int, error) {
	n, err := result(syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0))
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, err
}

func result(n, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
