package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Port is a port that is listened on, and the nodes' port that its connections go to.
type Port struct{ Listen, Node uint16 }

// Options say what a LoadBalancer does. It does not change; whoever wants another one starts another one.
type Options struct {
	Address netip.Addr
	Ports   []Port
	// Nodes by name.
	Nodes map[string]netip.Addr
	// HealthPort and HealthPath are what answers 200 on a node that is well.
	HealthPort uint16
	HealthPath string
	// ProxyProtocol: begin each connection to a node with a header that tells the client's address.
	ProxyProtocol bool
}

// Equal reports whether both do the same.
func (o Options) Equal(other Options) bool {
	return o.Address == other.Address && slices.Equal(o.Ports, other.Ports) && o.HealthPort == other.HealthPort &&
		o.HealthPath == other.HealthPath && o.ProxyProtocol == other.ProxyProtocol
}

// LoadBalancer is one that runs.
type LoadBalancer struct {
	options   Options
	checks    []*check // by name of the node
	listeners []net.Listener
	stop      context.CancelFunc
	running   sync.WaitGroup

	mu    sync.Mutex
	turn  int // of the node that gets the next connection
	open  map[net.Conn]struct{}
	ended bool
}

// Start listens on all ports. Stop ends it.
func Start(options Options) (*LoadBalancer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &LoadBalancer{options: options, stop: cancel, open: map[net.Conn]struct{}{}}
	for name, address := range options.Nodes {
		l.checks = append(l.checks, newCheck(name, address, options))
	}
	slices.SortFunc(l.checks, func(a, b *check) int { return a.address.Compare(b.address) })
	for _, port := range options.Ports {
		listener, err := net.Listen("tcp", netip.AddrPortFrom(options.Address, port.Listen).String())
		if err != nil {
			l.Stop()
			return nil, fmt.Errorf("load balancer: %w", err)
		}
		l.listeners = append(l.listeners, listener)
		l.running.Go(func() { l.accept(ctx, listener, port.Node) })
	}
	for _, c := range l.checks {
		l.running.Go(func() { c.run(ctx) })
	}
	return l, nil
}

// Addresses are those that are listened on, in the order of Options.Ports.
func (l *LoadBalancer) Addresses() []netip.AddrPort {
	var all []netip.AddrPort
	for _, listener := range l.listeners {
		all = append(all, listener.Addr().(*net.TCPAddr).AddrPort())
	}
	return all
}

// Healthy returns the names of the nodes that are well.
func (l *LoadBalancer) Healthy() []string {
	var names []string
	for _, c := range l.checks {
		if c.healthy.Load() {
			names = append(names, c.name)
		}
	}
	return names
}

// Stop ends it with all its connections, and returns when nothing of it runs any more.
func (l *LoadBalancer) Stop() {
	l.stop()
	for _, listener := range l.listeners {
		_ = listener.Close() // nobody else closes it
	}
	l.mu.Lock()
	l.ended = true
	for conn := range l.open {
		_ = conn.Close() // its peer sees the end, whatever Close says
	}
	l.mu.Unlock()
	l.running.Wait()
}

func (l *LoadBalancer) accept(ctx context.Context, listener net.Listener, nodePort uint16) {
	for {
		client, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as too many open files: those that wait may be served soon
			time.Sleep(10 * time.Millisecond)
		case l.hold(client):
			l.running.Go(func() {
				defer l.release(client)
				l.serve(ctx, client, nodePort)
			})
		}
	}
}

// hold remembers a connection for Stop. It closes it and returns false when Stop was first.
func (l *LoadBalancer) hold(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = conn.Close() // its peer sees the end, whatever Close says
		return false
	}
	l.open[conn] = struct{}{}
	return true
}

func (l *LoadBalancer) release(conn net.Conn) {
	_ = conn.Close() // its peer sees the end, whatever Close says
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
}

// next returns the node whose turn it is among those that are well; false: none is.
func (l *LoadBalancer) next() (node netip.Addr, ok bool) {
	var all []netip.Addr
	for _, c := range l.checks {
		if c.healthy.Load() {
			all = append(all, c.address)
		}
	}
	if len(all) == 0 {
		return node, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	return all[l.turn%len(all)], true
}
