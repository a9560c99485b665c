//go:build !linux || portable

package tunnel

import (
	"net"
	"sync"
	"syscall"
)

const (
	// bufferSize is how much one direction moves at a time: four TLS records, or a good part of
	// a socket's default receive buffer.
	bufferSize = 64 << 10
	// smallSize is what a connection that can't wait without a buffer waits with. Most messages
	// of most WebSocket applications fit.
	smallSize = 2 << 10
)

// buffers holds what tunnels use while they move bytes. Waiting ones hold none.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// source reads a connection and holds a big buffer only while there are bytes in it: with a
// hundred thousand quiet tunnels the buffers would be most of the memory.
type source struct {
	conn net.Conn
	buf  *[bufferSize]byte // nil while waiting

	raw    syscall.RawConn // nil: read through conn
	onFill func(uintptr) bool
	n      int
	err    error

	small []byte
	more  bool // the last read filled its buffer
}

func (s *source) init(c net.Conn) {
	s.conn = c
	if s.raw = rawConn(c); s.raw != nil {
		s.onFill = s.fill
		return
	}
	s.small = make([]byte, smallSize)
}

// read waits for bytes. They stay valid until release, which must follow.
func (s *source) read() ([]byte, error) {
	if s.raw == nil {
		return s.readConn()
	}
	if err := s.raw.Read(s.onFill); err != nil {
		return nil, err
	}
	return s.buf[:s.n], s.err
}

// readConn reads into the small buffer first. A big one is taken only when that was filled, so
// that there are most likely more bytes at hand.
func (s *source) readConn() ([]byte, error) {
	p := s.small
	if s.more {
		s.take()
		p = s.buf[:]
	}
	n, err := s.conn.Read(p)
	s.more = n == len(p)
	return p[:n], err
}

func (s *source) take() { s.buf = buffers.Get().(*[bufferSize]byte) }

// release gives the buffer back.
func (s *source) release() {
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf = nil
	}
}
