package loadbalancer_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/nodes/loadbalancer"
)

// town is a few nodes that listen on loopback addresses of their own, on equal ports as nodes do.
type town struct {
	port, health uint16
	nodes        map[string]*place
}

// place is one node: it says its name to who comes, and then says back what it is told.
type place struct {
	address  netip.Addr
	listener net.Listener // of what clients come for
	ill      atomic.Bool
}

func build(t *testing.T, names ...string) *town {
	t.Helper()
	town := &town{nodes: map[string]*place{}}
	for i, name := range names {
		p := &place{address: netip.AddrFrom4([4]byte{127, 0, 7, byte(i + 1)})}
		town.nodes[name] = p
		town.port = p.serve(t, name, town.port)
		town.health = p.serveHealth(t, town.health)
	}
	return town
}

func (p *place) listen(t *testing.T, port uint16) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", netip.AddrPortFrom(p.address, port).String())
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (p *place) serve(t *testing.T, name string, port uint16) uint16 {
	t.Helper()
	listener := p.listen(t, port)
	p.listener = listener
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				if _, err := fmt.Fprintln(conn, name); err == nil {
					_, _ = io.Copy(conn, conn) // until the client has enough
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

func (p *place) serveHealth(t *testing.T, port uint16) uint16 {
	t.Helper()
	listener := p.listen(t, port)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if p.ill.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

// open starts a load balancer before the town, and waits until it finds the given nodes well.
func (town *town) open(t *testing.T, change func(*loadbalancer.Options), healthy ...string) (*loadbalancer.LoadBalancer, string) {
	t.Helper()
	options := loadbalancer.Options{
		Address: netip.MustParseAddr("127.0.0.1"), Ports: []loadbalancer.Port{{Listen: 0, Node: town.port}},
		Nodes: map[string]netip.Addr{}, HealthPort: town.health, HealthPath: "/healthz",
	}
	for name, p := range town.nodes {
		options.Nodes[name] = p.address
	}
	if change != nil {
		change(&options)
	}
	l, err := loadbalancer.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	until(t, l, healthy...)
	return l, l.Addresses()[0].String()
}

func until(t *testing.T, l *loadbalancer.LoadBalancer, healthy ...string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !slices.Equal(l.Healthy(), healthy); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("well are %q, want %q", l.Healthy(), healthy)
		}
	}
}

// visitor is a client's connection.
type visitor struct {
	t *testing.T
	*net.TCPConn
	in   *bufio.Reader
	node string
}

func visit(t *testing.T, address string) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, TCPConn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
	v.node = v.line()
	return v
}

func (v *visitor) line() string {
	v.t.Helper()
	text, err := v.in.ReadString('\n')
	if err != nil {
		v.t.Fatal(err)
	}
	return text[:len(text)-1]
}

func (v *visitor) say(text string) {
	v.t.Helper()
	if _, err := fmt.Fprintln(v, text); err != nil {
		v.t.Fatal(err)
	}
}

func TestConnectionsAreSpreadAndHalvesEndAlone(t *testing.T) {
	_, door := build(t, "east", "west").open(t, nil, "east", "west")
	count := map[string]int{}
	for range 10 {
		v := visit(t, door)
		count[v.node]++
		v.say("hello")
		if err := v.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(v.in)
		if err != nil || string(rest) != "hello\n" {
			t.Fatalf("after my end I heard %q, %v", rest, err)
		}
	}
	if count["east"] != 5 || count["west"] != 5 {
		t.Errorf("10 connections went to %v", count)
	}
}

func TestANodeThatBecomesUnwellKeepsItsConnections(t *testing.T) {
	town := build(t, "east", "west")
	l, door := town.open(t, nil, "east", "west")
	first, second := visit(t, door), visit(t, door)
	if first.node == second.node {
		t.Fatalf("both are at %s", first.node)
	}
	begin := time.Now()
	town.nodes["west"].ill.Store(true)
	until(t, l, "east")
	if took := time.Since(begin); took < time.Second {
		t.Errorf("it noticed after %s, want two answers, one second apart", took)
	}
	for range 4 {
		if v := visit(t, door); v.node != "east" {
			t.Errorf("a new connection went to %s", v.node)
		}
	}
	for _, v := range []*visitor{first, second} {
		v.say("still here?")
		if got := v.line(); got != "still here?" {
			t.Errorf("heard %q from %s", got, v.node)
		}
	}
	town.nodes["west"].ill.Store(false)
	until(t, l, "east", "west")
}

func TestWhereNoNodeIsWellClientsAreSentAway(t *testing.T) {
	town := build(t, "east")
	town.nodes["east"].ill.Store(true)
	_, door := town.open(t, nil)
	conn, err := net.Dial("tcp", door)
	if err != nil {
		return // so soon
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("heard %d bytes", n)
	}
}

// TestANodeThatRefusesIsNotPassedOver: nobody shall look better here than behind a cloud's load balancer.
func TestANodeThatRefusesIsNotPassedOver(t *testing.T) {
	town := build(t, "east", "west")
	_, door := town.open(t, nil, "east", "west")
	if err := town.nodes["east"].listener.Close(); err != nil {
		t.Fatal(err)
	}
	served := 0
	for range 4 {
		conn, err := net.Dial("tcp", door)
		if err != nil {
			continue // it was sent away before it noticed
		}
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			served++
		}
		_ = conn.Close() // nothing more is asked of it
	}
	if served != 2 {
		t.Errorf("%d of 4 were served, want those whose turn was that of the other node", served)
	}
}

func TestTheProxyProtocolTellsWhoComes(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			from := netip.MustParseAddr(address)
			_, door := build(t, "east").open(t, func(o *loadbalancer.Options) {
				o.ProxyProtocol, o.Address = true, from
			}, "east")
			v := visit(t, door)
			v.say("hello")
			me, it := v.LocalAddr().(*net.TCPAddr).AddrPort(), v.RemoteAddr().(*net.TCPAddr).AddrPort()
			family, length := byte(0x11), 12
			if from.Is6() {
				family, length = 0x21, 36
			}
			want := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21"), family, 0, byte(length))
			want = append(append(want, me.Addr().AsSlice()...), it.Addr().AsSlice()...)
			want = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(want, me.Port()), it.Port())
			want = append(want, "hello\n"...)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(v.in, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the node heard\n%q, want\n%q, %v", got, want, err)
			}
		})
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	town := build(t, "east")
	_, door := town.open(t, nil, "east")
	taken := netip.MustParseAddrPort(door)
	l, err := loadbalancer.Start(loadbalancer.Options{
		Address: taken.Addr(), Ports: []loadbalancer.Port{{Listen: 0, Node: 1}, {Listen: taken.Port(), Node: town.port}},
	})
	if err == nil {
		l.Stop()
		t.Fatal("two listen on port " + strconv.Itoa(int(taken.Port())))
	}
}

func TestStopEndsConnections(t *testing.T) {
	l, door := build(t, "east").open(t, nil, "east")
	v := visit(t, door)
	l.Stop()
	if _, err := v.in.ReadByte(); err == nil {
		t.Error("the connection lives")
	}
	if conn, err := net.Dial("tcp", door); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}
