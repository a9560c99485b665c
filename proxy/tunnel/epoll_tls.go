//go:build linux && !portable

package tunnel

import (
	"crypto/tls"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

// secure is a TLS connection on a loop: crypto/tls over a socket that never blocks. A record that
// has not come whole stays with crypto/tls until the rest is there.
type secure struct {
	conn    *tls.Conn
	below   *loop.Conn
	drained bool // the socket has nothing until the next event
}

// recordSize is the most that one TLS record holds (RFC 8446 section 5.1).
const recordSize = 16 << 10

// manyRecords is how many records are opened before the tunnel's state is looked at again: they may
// be of one byte each, and have answers.
const manyRecords = 64

// begin hands the connection to the loop of a lane.
func (s *secure) begin(l *lane) { s.below.TakeOver((*record)(l)) }

// record is a lane as crypto/tls sees it: what carries records.
type record lane

// Read reads what the socket holds.
func (r *record) Read(p []byte) (int, error) {
	if r.secure.drained {
		return 0, loop.ErrWouldBlock
	}
	n, errno := loop.Read(int(r.fd), p)
	switch {
	case n > 0:
		r.secure.drained = n < len(p) && !r.ended
		return n, nil
	case errno == 0:
		return 0, io.EOF
	case errno == unix.EAGAIN:
		r.secure.drained = true
		return 0, loop.ErrWouldBlock
	}
	return 0, os.NewSyscallError("read", errno)
}

// Write gathers records: putSealed sends them together.
func (r *record) Write(p []byte) (int, error) {
	if r.dead {
		return 0, net.ErrClosed
	}
	r.t.loop.Scratch = append(r.t.loop.Scratch, p...)
	return len(p), nil
}

// receive fills buf with what whole records hold, or reads so many.
func (l *lane) receive(buf []byte) (n int, drained bool, err error) {
	for records := 0; records < manyRecords && len(buf)-n >= recordSize && err == nil; records++ {
		var m int
		m, err = l.secure.conn.Read(buf[n:])
		n += m
	}
	// Reading may have had something to say: an alert, or the answer to a change of keys.
	if failed := l.putSealed(); failed != nil && err == nil {
		err = failed
	}
	if err == loop.ErrWouldBlock { //nolint:errorlint // crypto/tls returns it bare
		l.secure.shrink()
		return n, true, nil
	}
	return n, false, err
}

// seal encrypts p and gives the socket all of its records in one write.
func (l *lane) seal(p []byte) error {
	if _, err := l.secure.conn.Write(p); err != nil {
		l.t.loop.Scratch = l.t.loop.Scratch[:0] // it is the loop's: no other connection may send that
		return err
	}
	return l.putSealed()
}

// unheard reports whether the source doesn't read what TLS itself answers it: it may ask for new keys
// again and again (RFC 8446 section 4.6.3). What the other end sends it is never as much.
func (l *lane) unheard() bool {
	return l.secure != nil && l.out != nil && len(l.out.bytes) > keptOutbox
}

// putSealed gives the socket the records that crypto/tls has written.
func (l *lane) putSealed() error {
	sealed := l.t.loop.Scratch
	if len(sealed) == 0 {
		return nil
	}
	l.t.loop.Scratch = sealed[:0]
	return l.put(sealed)
}
