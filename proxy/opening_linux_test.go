package proxy_test

import (
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// crowded returns the address of a listener that nobody gets through to any more: the kernel drops
// who comes when the queue is full.
func crowded(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + strconv.Itoa(at.(*unix.SockaddrInet4).Port)
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return netip.MustParseAddrPort(address)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the queue does not fill")
	return netip.AddrPort{}
}

func TestAConnectionThatDoesNotComeAboutIsGivenUp(t *testing.T) {
	r, g, nowhere := begin(t), newGate(t), crowded(t)
	impatient := func(r *model.Route) { r.Timeouts.Connect = model.Timeout(100 * time.Millisecond) }
	r.publish(with(at(nowhere), impatient))
	client := r.connect()
	client.says(knock)
	client.answered(504, "ConnectTimeout: ")
	r.comesTo("ConnectTimeout")

	cfg := between(g)
	cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: nowhere})
	r.publish(with(cfg, impatient))
	for range 2 { // whoever's turn it is
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(enter)
		client.letIn()
		talk(client, endpoint)
		client = r.connect()
	}
	r.comesTo("ConnectTimeout", "Established", "Established")
}

func TestAClientMayLeaveBeforeTheConnection(t *testing.T) {
	r := begin(t)
	r.publish(at(crowded(t)))
	var told []string
	for _, leave := range []func(*wire){
		func(w *wire) { _ = w.Close() },
		func(w *wire) { w.reset() },
	} {
		client := r.connect()
		client.says(knock)
		eventually(t, "the handshake has begun", func() bool { return r.Handshakes() == 1 })
		leave(client)
		told = append(told, "ClientGone")
		r.comesTo(told...)
	}
}

func TestAShutdownCutsConnectionsThatDoNotComeAbout(t *testing.T) {
	nowhere := crowded(t)
	before := sockets()
	r := start(t, func(o *proxy.Options) { o.Drain.Timeout = 300 * time.Millisecond })
	r.publish(at(nowhere))
	client := r.connect()
	client.says(knock)
	eventually(t, "the handshake has begun", func() bool { return r.Handshakes() == 1 })
	began := time.Now()
	r.stop()
	if took := r.over(began); took < 300*time.Millisecond || took > 3*time.Second {
		t.Errorf("left after %v", took)
	}
	_, _ = io.ReadAll(client.from)
	_ = client.Close()
	if n := r.Handshakes(); n != 0 {
		t.Errorf("%d handshakes are counted", n)
	}
	eventually(t, "every socket is closed", func() bool { return sockets() <= before })
}
