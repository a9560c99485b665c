//go:build linux

package load

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// link is one non-blocking connection in a loop: what both a client's socket and the backend's
// are made of.
type link struct {
	loop *Loop
	fd   int // -1: closed
	out  []byte
	// discard counts bytes that come instead of reading them.
	discard bool
	// deaf leaves what comes to the kernel.
	deaf bool
}

// closed reports whether close was called.
func (k *link) closed() bool { return k.fd < 0 }

func (k *link) close() {
	if k.fd >= 0 {
		k.loop.close(k.fd)
		k.fd = -1
	}
}

// write sends b, or keeps what doesn't fit for flush; b may be used again at once.
func (k *link) write(b []byte) error {
	if len(k.out) > 0 {
		k.out = append(k.out, b...)
		return nil
	}
	n, err := send(k.fd, b)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	k.out = append(k.out, b[n:]...)
	return nil
}

// flush sends what write kept.
func (k *link) flush() error {
	if len(k.out) == 0 {
		return nil
	}
	n, err := send(k.fd, k.out)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	k.out = append(k.out[:0], k.out[n:]...)
	return nil
}

// read gives to what comes: a whole turn's worth at most, after which self has another turn. For
// discarded bytes the slice is only as long as they were. io.EOF: the other end is done.
func (k *link) read(events uint32, self source, to func([]byte)) error {
	ended := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	for !k.closed() && !k.deaf {
		n, err := recv(k.fd, k.loop.buffer, k.discard)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
		to(k.loop.buffer[:n])
		switch {
		case n < len(k.loop.buffer) && !ended:
			return nil // short: there was no more
		case n == len(k.loop.buffer) && !k.closed() && !k.deaf:
			k.loop.later(self)
			if !ended {
				return nil
			}
		}
	}
	return nil
}
