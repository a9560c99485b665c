//go:build linux

package load

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// Paths that the backend serves.
const (
	PathEcho = "/echo"  // frames come back
	PathUp   = "/up"    // frames are swallowed
	pathDown = "/down/" // with a size: frames of this size come as fast as they are taken
)

// maxBacklog is how many connections may wait to be accepted; the kernel's somaxconn bounds it too.
const maxBacklog = 1 << 15

// PathDown is where frames of a size come from.
func PathDown(size int) string { return pathDown + strconv.Itoa(size) }

// Backend is the server behind the proxies.
type Backend struct {
	// Addresses are where it listens: several, so that proxies have client ports enough.
	Addresses []netip.AddrPort

	loop      *Loop
	frames    map[int][]byte // to send down, by size
	out       []byte         // answers of one turn
	swallowed int64          // bytes, on all connections of PathUp
	open      int
}

// listeners is how many addresses the backend has: 28,000 ports lead to each from one proxy.
const listeners = 4

// NewBackend listens on 127.0.0.2 and those after it, on a port that the kernel chooses.
func NewBackend(l *Loop) (*Backend, error) {
	b := &Backend{loop: l, frames: map[int][]byte{}}
	for i := range listeners {
		address := netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i)})
		var port uint16
		if i > 0 {
			port = b.Addresses[0].Port()
		}
		bound, err := b.listen(netip.AddrPortFrom(address, port))
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		b.Addresses = append(b.Addresses, bound)
	}
	return b, nil
}

func (b *Backend) listen(at netip.AddrPort) (netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return at, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil { // inherited by what is accepted
		return at, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		return at, err
	}
	if err := unix.Listen(fd, maxBacklog); err != nil {
		return at, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return at, err
	}
	if inet, ok := name.(*unix.SockaddrInet4); ok {
		at = netip.AddrPortFrom(at.Addr(), uint16(inet.Port))
	}
	return at, b.loop.add(fd, &acceptor{b, fd})
}

// acceptor accepts what waits.
type acceptor struct {
	backend *Backend
	fd      int
}

func (a *acceptor) turn(uint32) {
	for {
		fd, _, err := unix.Accept4(a.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		c := &served{link: link{loop: a.backend.loop, fd: fd}, backend: a.backend}
		if err := a.backend.loop.add(fd, c); err != nil {
			_ = unix.Close(fd)
			continue
		}
		a.backend.open++
	}
}

// served is one connection of the backend.
type served struct {
	link
	backend *Backend
	in      []byte // the beginning of a head or frame whose end has not come
	up      bool   // past the handshake
	down    []byte // the frame to send again and again; nil: none
	sent    int    // bytes of it
}

func (c *served) turn(events uint32) {
	err := c.flush()
	if err == nil && (events == 0 || events&^unix.EPOLLOUT != 0) {
		err = c.read(events, c, c.take)
	}
	if err == nil && c.down != nil && !c.closed() {
		err = c.pour()
	}
	if err != nil {
		c.end()
	}
}

func (c *served) end() {
	if !c.closed() {
		c.backend.open--
		c.close()
	}
}

// take serves what came.
func (c *served) take(b []byte) {
	if c.discard {
		c.backend.swallowed += int64(len(b))
		return
	}
	if len(c.in) > 0 {
		c.in = append(c.in, b...)
		b = c.in
	}
	if !c.up {
		b = c.handshake(b)
	}
	if c.up && !c.discard {
		b = c.echo(b)
	}
	switch {
	case c.closed():
	case len(b) == 0:
		c.in = nil // a buffer for each of 9,000 sockets would be memory for nothing
	default:
		c.in = append(c.in[:0], b...)
	}
}

// handshake answers the request, once it is here, and returns what came behind it.
func (c *served) handshake(b []byte) []byte {
	head, rest, ok := wire.Head(b)
	if !ok {
		return b
	}
	answer, path, err := wire.Answer(head)
	if err != nil || c.write(answer) != nil {
		c.end()
		return nil
	}
	c.up = true
	switch size, isDown := strings.CutPrefix(path, pathDown); {
	case path == PathUp:
		c.discard = true
		c.backend.swallowed += int64(len(rest))
		return nil
	case isDown:
		c.down = c.backend.frame(size)
	}
	return rest
}

// frame is a whole frame of so many bytes.
func (b *Backend) frame(size string) []byte {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || n > 1<<26 {
		n = 0
	}
	if b.frames[n] == nil {
		b.frames[n] = wire.ServerFrame(wire.Payload(n))
	}
	return b.frames[n]
}

// echo sends whole frames back and returns what is left.
func (c *served) echo(b []byte) []byte {
	out := c.backend.out[:0]
	for {
		h, ok := wire.ParseHeader(b)
		if !ok || len(b)-h.Size < h.Length {
			break
		}
		out = wire.AppendServer(out, h.First, h.Length)
		out = wire.AppendXOR(out, b[h.Size:h.Size+h.Length], h.Mask)
		b = b[h.Size+h.Length:]
	}
	c.backend.out = out
	if len(out) > 0 && c.write(out) != nil {
		c.end()
	}
	return b
}

// pour sends the frame again and again, until nothing more fits or the turn is over.
func (c *served) pour() error {
	for moved := 0; moved < turnBytes; {
		n, err := send(c.fd, c.down[c.sent:])
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		moved += n
		if c.sent += n; c.sent == len(c.down) {
			c.sent = 0
		}
	}
	c.loop.later(c)
	return nil
}
