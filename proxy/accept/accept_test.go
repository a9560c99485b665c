package accept

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo serves listener until the test ends: whatever comes goes back.
func echo(t testing.TB, listener net.Listener) {
	t.Helper()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	listener, err := Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func say(t testing.TB, conn net.Conn, words string) {
	t.Helper()
	if _, err := io.WriteString(conn, words); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, len(words))
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != words {
		t.Fatalf("heard %q, %v", back, err)
	}
}

func TestOneListenerTakesIPv4AndIPv6(t *testing.T) {
	listener := listen(t, ":0")
	echo(t, listener)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil && host == "::1" && !hasIPv6() {
			t.Log("this machine has no IPv6 loopback")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		say(t, conn, "hello over "+host)
		_ = conn.Close()
	}
}

// hasIPv6 reports whether the loopback interface has ::1.
func hasIPv6() bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.Equal(net.IPv6loopback) {
			return true
		}
	}
	return false
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	defer func() { _ = listener.Close() }()
	address := listener.Addr().String()
	if _, err := Listen(t.Context(), address); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v", err)
	}
}

// dialTLS connects, naming server, and returns what the server showed.
func dialTLS(t *testing.T, address, server string, most uint16) (*tls.Conn, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{
		ServerName: server, InsecureSkipVerify: true, MaxVersion: most, NextProtos: []string{"h2", "http/1.1"},
	})
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

func shown(conn *tls.Conn) string {
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestCertificatesAreChosenByNameForEveryHandshake(t *testing.T) {
	first, second := named(t, "first"), named(t, "second")
	var now sync.Map
	now.Store("chat.example.com", first)
	listener := listen(t, "127.0.0.1:0")
	address := listener.Addr().String()
	echo(t, tls.NewListener(listener, TLSConfig(Names{Certificate: func(name string) (*tls.Certificate, error) {
		if name == "broken.example.com" {
			return nil, errors.New("no such key")
		}
		if found, ok := now.Load(name); ok {
			return found.(*tls.Certificate), nil
		}
		return nil, nil
	}}, new(Tickets))))
	old, err := dialTLS(t, address, "chat.example.com", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(old); got != "first" {
		t.Errorf("shown %q", got)
	}
	if got := old.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("ALPN chose %q", got)
	}
	now.Store("chat.example.com", second) // rotated
	fresh, err := dialTLS(t, address, "chat.example.com", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(fresh); got != "second" {
		t.Errorf("shown %q after the rotation", got)
	}
	say(t, old, "the rotation cuts nobody")

	if _, err := dialTLS(t, address, "broken.example.com", 0); err == nil {
		t.Error("a handshake without its key succeeded")
	}
	if _, err := dialTLS(t, address, "chat.example.com", tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 succeeded")
	}
}

func TestNamesWithoutACertificateGetTheFallback(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	address := listener.Addr().String()
	echo(t, tls.NewListener(listener, TLSConfig(Names{Certificate: func(string) (*tls.Certificate, error) { return nil, nil }}, new(Tickets))))
	var serials []string
	for _, name := range []string{"unknown.example.com", ""} {
		conn, err := dialTLS(t, address, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		say(t, conn, "served all the same")
		leaf := conn.ConnectionState().PeerCertificates[0]
		serials = append(serials, leaf.SerialNumber.String())
		if shown(conn) != FallbackName {
			t.Errorf("%q was shown %q", name, shown(conn))
		}
		if life := time.Until(leaf.NotAfter); life < 364*24*time.Hour || life > 366*24*time.Hour || leaf.NotBefore.After(time.Now()) {
			t.Errorf("valid from %v to %v", leaf.NotBefore, leaf.NotAfter)
		}
	}
	if serials[0] != serials[1] {
		t.Error("the fallback is made anew for every handshake")
	}
}
