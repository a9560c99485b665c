//go:build linux && !portable

package proxy

import (
	"net"
	"sync"
)

// feed is a listener for net/http whose connections come from event loops.
type feed struct {
	address net.Addr
	stop    func() // stops accepting

	mu     sync.Mutex
	queue  []func() (net.Conn, error)
	closed bool
	more   chan struct{} // something was queued, or the feed is closed
}

func newFeed(address net.Addr, stop func()) *feed {
	return &feed{address: address, stop: stop, more: make(chan struct{}, 1)}
}

// add queues a connection, which is made when it is accepted. It never blocks.
func (f *feed) add(open func() (net.Conn, error)) {
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.queue = append(f.queue, open)
	}
	f.mu.Unlock()
	if closed {
		if c, err := open(); err == nil {
			_ = c.Close()
		}
		return
	}
	f.wake()
}

func (f *feed) wake() {
	select {
	case f.more <- struct{}{}:
	default: // it was told already
	}
}

// Accept waits for a connection.
func (f *feed) Accept() (net.Conn, error) {
	for {
		open, closed := f.next()
		if open != nil {
			if c, err := open(); err == nil {
				return c, nil
			}
			continue // that one is lost, and nobody else
		}
		if closed {
			return nil, net.ErrClosed
		}
		<-f.more
	}
}

func (f *feed) next() (open func() (net.Conn, error), closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return nil, f.closed
	}
	open = f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	return open, false
}

// Close stops accepting. What was queued is still given out.
func (f *feed) Close() error {
	f.mu.Lock()
	again := f.closed
	f.closed = true
	f.mu.Unlock()
	if !again {
		f.stop()
		f.wake()
	}
	return nil
}

// Addr returns where the connections were accepted.
func (f *feed) Addr() net.Addr { return f.address }
