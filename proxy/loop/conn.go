package loop

import "net"

// Conn is a connection that can change hands: from the Go runtime, where reads and writes wait, to
// an event loop, where they don't. It lies below TLS, or hands over what was read before.
type Conn struct {
	net.Conn
	driver Driver // nil: the runtime's
	unread []byte // comes before what the connection gives
}

// Driver is what reads and writes for a Conn that an event loop has taken over. A read that would
// block returns ErrWouldBlock; a write takes all.
type Driver interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
}

// NewConn returns c as a connection that can change hands. unread is what was read from c already:
// it is read again first, and must not be changed.
func NewConn(c net.Conn, unread []byte) *Conn { return &Conn{Conn: c, unread: unread} }

// NetConn returns the connection of the Go runtime, nil when it was taken over.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// TakeOver lets d read and write from now on. Whatever the runtime's connection was is not
// touched any more. Nobody else may be using the connection.
func (c *Conn) TakeOver(d Driver) { c.Conn, c.driver = parted{}, d }

// Unread returns what is to be read before what the connection gives.
func (c *Conn) Unread() []byte { return c.unread }

// Read reads from whoever has the connection.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		if c.unread = c.unread[n:]; len(c.unread) == 0 {
			c.unread = nil
		}
		return n, nil
	}
	if c.driver != nil {
		return c.driver.Read(p)
	}
	return c.Conn.Read(p)
}

// Write writes to whoever has the connection.
func (c *Conn) Write(p []byte) (int, error) {
	if c.driver != nil {
		return c.driver.Write(p)
	}
	return c.Conn.Write(p)
}

// CloseWrite ends the stream towards the other end.
func (c *Conn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}

// ErrWouldBlock says that there is nothing to read yet. To crypto/tls it is one of the errors after
// which a connection can go on.
var ErrWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

// Error implements error.
func (wouldBlock) Error() string { return "nothing to read yet" }

// Timeout implements net.Error.
func (wouldBlock) Timeout() bool { return false }

// Temporary implements net.Error; it is what crypto/tls goes by.
func (wouldBlock) Temporary() bool { return true }
