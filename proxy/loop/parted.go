package loop

import (
	"net"
	"time"
)

// parted stands for the runtime's connection once an event loop has the socket. Deadlines have no
// meaning there, since nothing waits, and the loop closes the socket itself.
type parted struct{}

// Read implements net.Conn.
func (parted) Read([]byte) (int, error) { return 0, net.ErrClosed }

// Write implements net.Conn.
func (parted) Write([]byte) (int, error) { return 0, net.ErrClosed }

// Close implements net.Conn.
func (parted) Close() error { return nil }

// LocalAddr implements net.Conn.
func (parted) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (parted) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn.
func (parted) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (parted) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (parted) SetWriteDeadline(time.Time) error { return nil }
