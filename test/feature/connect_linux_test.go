package feature

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowded returns the address of a listener that nobody gets through to any more: the kernel drops
// who comes when the queue is full.
func crowded(t *testing.T) net.Addr {
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
	address := fmt.Sprint("127.0.0.1:", at.(*unix.SockaddrInet4).Port)
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("here the queue does not fill")
	return nil
}

func TestAPodThatTakesNoConnectionIsLeft(t *testing.T) {
	story(t, func(w *world) {
		full := endpointSlice("chat", "full", crowded(w.t), "")
		asking := ingressFor(object{}, "proxy-connect-timeout: 1", "proxy-read-timeout: 3600")
		w.apply("chat", serviceOf("chat", ""), full, asking)
		begun := time.Now()
		w.wantRefused(504, "ConnectTimeout", echo)
		if took := time.Since(begun); took < 900*time.Millisecond || took > 5*time.Second {
			w.t.Errorf("after %v", took)
		}
		w.apply("chat", w.service("chat", "a"), full, asking)
		w.wantAll("a", echo) // in turn: one of two in vain
	})
}
