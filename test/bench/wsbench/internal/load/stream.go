//go:build linux

package load

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// stream is one non-blocking connection in a loop: what both a client's socket and the backend's
// are made of.
type stream struct {
	loop *Loop
	fd   int // -1: closed
	out  []byte
	// discard counts bytes that come instead of reading them.
	discard bool
}

// closed reports whether close was called.
func (s *stream) closed() bool { return s.fd < 0 }

func (s *stream) close() {
	if s.fd >= 0 {
		s.loop.close(s.fd)
		s.fd = -1
	}
}

// write sends b, or keeps what doesn't fit for flush; b may be used again at once.
func (s *stream) write(b []byte) error {
	if len(s.out) > 0 {
		s.out = append(s.out, b...)
		return nil
	}
	n, err := send(s.fd, b)
	if err != nil && err != unix.EAGAIN {
		return err
	}
	s.out = append(s.out, b[n:]...)
	return nil
}

// flush sends what write kept.
func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	n, err := send(s.fd, s.out)
	if err != nil && err != unix.EAGAIN {
		return err
	}
	s.out = append(s.out[:0], s.out[n:]...)
	return nil
}

// read gives to what comes: a whole turn's worth at most, after which self has another turn. For
// discarded bytes the slice is only as long as they were. io.EOF: the other end is done.
func (s *stream) read(events uint32, self source, to func([]byte)) error {
	ended := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	for !s.closed() {
		n, err := recv(s.fd, s.loop.buffer, s.discard)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
		to(s.loop.buffer[:n])
		switch {
		case n < len(s.loop.buffer) && !ended:
			return nil // short: there was no more
		case n == len(s.loop.buffer) && !s.closed():
			s.loop.later(self)
			if !ended {
				return nil
			}
		}
	}
	return nil
}

// refused reports whether nobody listened or the queue of those waiting was full.
func refused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }
