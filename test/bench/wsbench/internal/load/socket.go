//go:build linux

package load

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// user is what a mode does with its sockets.
type user interface {
	// opened is told that the handshake is over.
	opened(*socket)
	// data is given bytes behind the handshake and returns how many it is through with; the others
	// come again, with more.
	data(*socket, []byte) int
	// closed is told that a socket is gone without the mode having closed it, or never came to be.
	closed(*socket, error)
}

// socket is one client of the proxy.
type socket struct {
	link
	user   user
	head   []byte   // the request
	secure *records // nil: plain
	index  int      // in its fleet
	up     bool     // past the handshake
	asked  bool     // the request is sent
	in     []byte   // bytes that nobody was through with

	feed func(*socket) error // sends more when there is room; nil: the mode sends by itself
	sent int                 // bytes of the frame that feed is sending
	due  []int64             // when the frames that are not back yet were due, in the mode's own time
}

func (s *socket) turn(events uint32) {
	if s.closed() {
		return
	}
	var err error
	if !s.asked && events&(unix.EPOLLOUT|unix.EPOLLERR) != 0 { // connected, or not: send tells
		s.asked = true
		err = s.transmit(s.head)
	}
	if err == nil {
		err = s.flush()
	}
	if err == nil && s.asked && (events == 0 || events&^unix.EPOLLOUT != 0) {
		err = s.read(events, s, s.take)
	}
	if err == nil && s.feed != nil && !s.closed() && len(s.out) == 0 {
		err = s.feed(s)
	}
	if err != nil {
		s.fail(err)
	}
}

// fail closes the socket and tells.
func (s *socket) fail(err error) {
	if !s.closed() {
		s.close()
		s.user.closed(s, err)
	}
}

// transmit sends b, encrypted where the socket is secure.
func (s *socket) transmit(b []byte) error {
	if s.secure == nil {
		return s.write(b)
	}
	return s.write(s.secure.seal(b))
}

// take is given what came from the network.
func (s *socket) take(b []byte) {
	if s.secure == nil {
		s.clear(b)
		return
	}
	if err := s.secure.open(b, s.clear); err != nil {
		s.fail(err)
	}
}

// clear is given what came, decrypted.
func (s *socket) clear(b []byte) {
	if len(s.in) > 0 {
		s.in = append(s.in, b...)
		b = s.in
	}
	if !s.up {
		head, rest, ok := wire.Head(b)
		if ok {
			if err := wire.Check(head); err != nil {
				s.fail(err)
				return
			}
			s.up, b = true, rest
			s.user.opened(s)
		}
	}
	if s.up && len(b) > 0 && !s.closed() {
		b = b[s.user.data(s, b):]
	}
	if len(b) == 0 || s.closed() {
		s.in = nil
		return
	}
	s.in = append(s.in[:0], b...)
}

// clientAddresses is from how many loopback addresses clients come, so that ports don't run out while
// closed connections wait for their time.
const clientAddresses = 16

// connect begins to connect from one of the client addresses.
func connect(proxy unix.SockaddrInet4, n int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := prepare(fd, n); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	if err := unix.Connect(fd, &proxy); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// prepare binds a descriptor to the address that client n comes from; the port is chosen when the
// other end is known, so that each other end has all ports.
func prepare(fd, n int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(1 + n%clientAddresses)}})
}
