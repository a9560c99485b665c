package fleet

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// door is an address behind which servers change, and behind which it may become silent.
type door struct {
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	leads string // to this address
	dark  bool   // connections stay as they are, and nothing comes out of them any more
	conns []net.Conn

	swallowed     chan struct{} // closed when something was lost in the dark
	swallowedOnce sync.Once
}

func newDoor(t *testing.T, leads string) *door {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{listener: listener, leads: leads, swallowed: make(chan struct{})}
	d.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			d.running.Go(func() { d.relay(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		d.mu.Lock()
		for _, conn := range d.conns {
			_ = conn.Close()
		}
		d.mu.Unlock()
		d.running.Wait()
	})
	return d
}

func (d *door) address() string { return d.listener.Addr().String() }

// lead changes where new connections lead to.
func (d *door) lead(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leads = address
}

// blind makes the connections silent that there are.
func (d *door) blind(dark bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dark = dark
}

func (d *door) relay(client net.Conn) {
	d.mu.Lock()
	leads := d.leads
	d.mu.Unlock()
	server, err := net.Dial("tcp", leads)
	if err != nil {
		_ = client.(*net.TCPConn).SetLinger(0)
		_ = client.Close()
		return
	}
	d.mu.Lock()
	d.conns = append(d.conns, client, server)
	d.mu.Unlock()
	d.running.Go(func() { d.copy(server, client) })
	d.copy(client, server)
}

// copy moves bytes, and passes on how they ended.
func (d *door) copy(to, from net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		d.mu.Lock()
		dark := d.dark
		d.mu.Unlock()
		if dark {
			d.swallowedOnce.Do(func() { close(d.swallowed) })
			_, _ = io.Copy(io.Discard, from) // until it is closed
			return
		}
		_, _ = to.Write(buffer[:n])
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = to.(*net.TCPConn).SetLinger(0)
			}
			_ = to.Close()
			return
		}
	}
}
