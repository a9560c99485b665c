//go:build linux && !portable

package proxy

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Loads returns how many connections and tunnels each event loop has.
func (s *Server) Loads() []int64 {
	var loads []int64
	for _, l := range s.engine.Loops().All() {
		loads = append(loads, l.Load())
	}
	return loads
}

// HoldLoops lets no event loop do anything until release is called: what happens meanwhile on a
// socket they learn at once.
func (s *Server) HoldLoops() (release func()) {
	held := make(chan struct{})
	var holding sync.WaitGroup
	for _, l := range s.engine.Loops().All() {
		holding.Add(1)
		l.Do(func() { holding.Done(); <-held })
	}
	holding.Wait()
	return func() { close(held) }
}

// AcceptAtOnce lets the kernel keep no connection until its first bytes come.
func (s *Server) AcceptAtOnce() error {
	return unix.SetsockoptInt(s.doors.socket, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0)
}
