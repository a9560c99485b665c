//go:build linux && !portable

package loop

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below are raw: the scheduler is not told of them, which saves about a tenth of a
// microsecond each and keeps the processor (P) with the loop. That is right only for what can't
// block: sockets and pipes that are non-blocking, and epoll_wait without a timeout.

// Read reads from a non-blocking socket. 0, 0 is the end of the stream. (recv(2) goes straight to the
// socket where read(2) first asks what kind of file it is.)
func Read(fd int, p []byte) (int, syscall.Errno) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	})
}

// Write writes to a non-blocking socket.
func Write(fd int, p []byte) (int, syscall.Errno) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
	})
}

// Splice moves up to n bytes between two non-blocking descriptors, of which one is a pipe.
func Splice(from, to, n int) (int, syscall.Errno) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	})
}

// again makes a call until no signal interrupts it: the runtime preempts goroutines by signals.
func again(call func() (uintptr, uintptr, syscall.Errno)) (int, syscall.Errno) {
	for {
		n, _, err := call()
		switch err {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, err
	}
}

// epollWait waits up to timeout milliseconds, -1 without end. Only a wait that ends at once is raw.
func (l *Loop) epollWait(timeout int) (int, syscall.Errno) {
	events := uintptr(unsafe.Pointer(&l.events[0]))
	var n uintptr
	var err syscall.Errno
	if timeout == 0 {
		n, _, err = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.poll), events, maxEvents, 0, 0, 0)
	} else {
		n, _, err = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.poll), events, maxEvents, uintptr(timeout), 0, 0)
	}
	return int(n), err
}
