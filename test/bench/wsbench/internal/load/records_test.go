//go:build linux

package load

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/peer"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// A socket that was taken away from crypto/tls still speaks TLS with a server that has it, in records of
// any size and in whatever pieces they arrive.
func TestRecordsAreThoseOfTLS(t *testing.T) {
	address := serveTLSEcho(t)
	fd, layer, err := detach(t.Context(), address, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd) //nolint:errcheck // only read and written
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 128, recordMax, recordMax + 1, 3*recordMax - 1} {
		sent := wire.Payload(size)
		if _, err := unix.Write(fd, layer.seal(sent)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		piece := make([]byte, 1000)
		for len(got) < size {
			n, err := unix.Read(fd, piece)
			if err != nil || n == 0 {
				t.Fatalf("%d bytes: read %d, %v", size, n, err)
			}
			if err := layer.open(piece[:n], func(b []byte) { got = append(got, b...) }); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back as %d others", size, len(got))
		}
	}
}

// serveTLSEcho sends back what comes, with crypto/tls.
func serveTLSEcho(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := peer.NewCertificate(t.TempDir(), Host)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(c.Chain), []byte(c.Key))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		var conn net.Conn
		if conn, err = listener.Accept(); err == nil {
			_, _ = io.Copy(conn, conn) // until the client goes
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-served
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}
