package accept

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// What event loops ask of TCP, Multipath TCP refuses on many kernels.
func TestAListenerSpeaksPlainTCP(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	defer func() { _ = l.Close() }()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if protocol, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL); protocol != unix.IPPROTO_TCP {
			t.Errorf("listens for protocol %d, %v", protocol, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
