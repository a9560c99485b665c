package loop

import (
	"net"
	"time"
)

// parted stands for the runtime's connection once an event loop has the socket. Deadlines have no
// meaning there, since nothing waits, and the loop closes the socket itself.
type parted struct{}

func (parted) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (parted) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (parted) Close() error                     { return nil }
func (parted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (parted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (parted) SetDeadline(time.Time) error      { return nil }
func (parted) SetReadDeadline(time.Time) error  { return nil }
func (parted) SetWriteDeadline(time.Time) error { return nil }
