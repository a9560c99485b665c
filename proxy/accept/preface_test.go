package accept

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// binaryPreface makes a preface of version 2.
func binaryPreface(command, family byte, rest ...byte) []byte {
	p := append(bytes.Clone(signature), command, family)
	return append(binary.BigEndian.AppendUint16(p, uint16(len(rest))), rest...)
}

var (
	addresses4 = []byte{203, 0, 113, 9, 10, 0, 0, 1, 0xdd, 0xd5, 0x01, 0xbb}
	addresses6 = append(append(netip.MustParseAddr("2001:db8::9").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice()...), 0xdd, 0xd5, 0x01, 0xbb)
	// tlv is one that says nothing (PP2_TYPE_NOOP).
	tlv = []byte{0x04, 0, 3, 1, 2, 3}
)

var prefaces = []struct {
	name, preface, client string // client "": the peer
}{
	{"v1", "PROXY TCP4 203.0.113.9 10.0.0.1 56789 443\r\n", "203.0.113.9:56789"},
	{"v1 over IPv6", "PROXY TCP6 2001:db8::9 2001:db8::1 56789 443\r\n", "[2001:db8::9]:56789"},
	{"v1 longest", "PROXY TCP6 " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"v1 unknown", "PROXY UNKNOWN\r\n", ""},
	{"v1 unknown with words", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""},
	{"v2", string(binaryPreface(0x21, tcp4, addresses4...)), "203.0.113.9:56789"},
	{"v2 over IPv6", string(binaryPreface(0x21, tcp6, addresses6...)), "[2001:db8::9]:56789"},
	{"v2 with a TLV", string(binaryPreface(0x21, tcp4, append(bytes.Clone(addresses4), tlv...)...)), "203.0.113.9:56789"},
	{"v2 mapped", string(binaryPreface(0x21, tcp6, append(netip.MustParseAddr("::ffff:203.0.113.9").AsSlice(), addresses6[16:]...)...)), "203.0.113.9:56789"},
	{"v2 local", string(binaryPreface(0x20, 0)), ""},
	{"v2 local with addresses", string(binaryPreface(0x20, tcp4, addresses4...)), ""},
	{"v2 unspecified", string(binaryPreface(0x21, 0, tlv...)), ""},
	{"v2 of a Unix socket", string(binaryPreface(0x21, 0x31, make([]byte, 216)...)), ""},
	{"v2 over UDP", string(binaryPreface(0x21, 0x12, addresses4...)), ""},
}

var noPrefaces = map[string]string{
	"HTTP":                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"TLS":                     "\x16\x03\x01\x02\x00\x01\x00\x01",
	"lower case":              "proxy TCP4 203.0.113.9 10.0.0.1 56789 443\r\n",
	"v1 without CR":           "PROXY TCP4 203.0.113.9 10.0.0.1 56789 443\n",
	"v1 without end":          "PROXY TCP4 " + strings.Repeat("1", 107),
	"v1 of another family":    "PROXY TCP4 2001:db8::9 10.0.0.1 56789 443\r\n",
	"v1 of mapped IPv4":       "PROXY TCP4 ::ffff:203.0.113.9 10.0.0.1 56789 443\r\n",
	"v1 with a zone":          "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n",
	"v1 without a port":       "PROXY TCP4 203.0.113.9 10.0.0.1 56789\r\n",
	"v1 with a port too high": "PROXY TCP4 203.0.113.9 10.0.0.1 65536 443\r\n",
	"v1 with a sign":          "PROXY TCP4 203.0.113.9 10.0.0.1 +5 443\r\n",
	"v1 with two blanks":      "PROXY TCP4  203.0.113.9 10.0.0.1 56789 443\r\n",
	"v1 of a name":            "PROXY TCP4 localhost 10.0.0.1 56789 443\r\n",
	"v1 of an unknown family": "PROXY TCP5 203.0.113.9 10.0.0.1 56789 443\r\n",
	"v2 of version 1":         string(binaryPreface(0x11, tcp4, addresses4...)),
	"v2 of a third command":   string(binaryPreface(0x22, tcp4, addresses4...)),
	"v2 too short":            string(binaryPreface(0x21, tcp4, addresses4[:11]...)),
	"v2 too long":             string(binaryPreface(0x21, tcp4, make([]byte, maxPreface)...)),
}

func TestAPrefaceIsReadHoweverItIsTorn(t *testing.T) {
	for _, c := range prefaces {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.preface) {
				if _, size, err := ReadPreface([]byte(c.preface[:n])); size != 0 || err != nil {
					t.Fatalf("%d of %d bytes: size %d, %v", n, len(c.preface), size, err)
				}
			}
			client, size, err := ReadPreface([]byte(c.preface + "GET / HTTP/1.1\r\n"))
			if err != nil || size != len(c.preface) {
				t.Fatalf("size %d of %d, %v", size, len(c.preface), err)
			}
			if got := told(client); got != c.client {
				t.Errorf("client %q, want %q", got, c.client)
			}
		})
	}
}

func told(client netip.AddrPort) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}

func TestWhatIsNoPrefaceIsToldApart(t *testing.T) {
	for name, p := range noPrefaces {
		t.Run(name, func(t *testing.T) {
			if client, size, err := ReadPreface([]byte(p)); err == nil || size != 0 || client.IsValid() {
				t.Errorf("taken for %v, %d bytes, %v", client, size, err)
			}
		})
	}
}

// failures records what balancers did wrong.
type failures chan error

// balanced is a listener that expects prefaces from loopback.
func balanced(t *testing.T, timeout time.Duration, networks ...string) (net.Listener, failures) {
	t.Helper()
	failed := make(failures, 10)
	b := &Balancers{Timeout: timeout, Failed: func(_ netip.Addr, err error) { failed <- err }}
	for _, n := range networks {
		b.Networks = append(b.Networks, netip.MustParsePrefix(n))
	}
	l := b.Listener(listen(t, "127.0.0.1:0"))
	t.Cleanup(func() { _ = l.Close() })
	return l, failed
}

// accepted dials the listener and returns both ends.
func accepted(t *testing.T, l net.Listener) (client, server net.Conn) {
	t.Helper()
	client, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

// The preface may come byte by byte. What follows is somebody else's, be it a tunnel's that has taken
// the socket over: none of it may be gone.
func TestAConnectionIsItsClientsAndKeepsEveryByte(t *testing.T) {
	for _, c := range prefaces {
		t.Run(c.name, func(t *testing.T) {
			l, failed := balanced(t, 10*time.Second, "127.0.0.0/8")
			client, server := accepted(t, l)
			go func() {
				for i := range len(c.preface) {
					_, _ = io.WriteString(client, c.preface[i:i+1])
				}
				_, _ = io.WriteString(client, "hello")
				_ = client.(*net.TCPConn).CloseWrite()
			}()
			want := c.client
			if want == "" {
				want = client.LocalAddr().String()
			}
			if got := server.RemoteAddr().String(); got != want {
				t.Errorf("client %q, want %q", got, want)
			}
			below := server.(interface{ NetConn() net.Conn }).NetConn()
			if got, err := io.ReadAll(below); err != nil || string(got) != "hello" {
				t.Errorf("the socket holds %q, %v", got, err)
			}
			if len(failed) > 0 {
				t.Error(<-failed)
			}
		})
	}
}

func TestAnnouncedPeersMustAnnounce(t *testing.T) {
	for name, said := range noPrefaces {
		t.Run(name, func(t *testing.T) {
			l, failed := balanced(t, 10*time.Second, "127.0.0.0/8")
			client, server := accepted(t, l)
			_, _ = io.WriteString(client, said)
			if n, err := server.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("%d bytes passed, %v", n, err)
			}
			if err := <-failed; !errors.Is(err, errNoPreface) && !errors.Is(err, errBadPreface) {
				t.Errorf("told %v", err)
			}
			if got := server.RemoteAddr().String(); got != client.LocalAddr().String() {
				t.Errorf("it is %s", got)
			}
		})
	}
}

func TestAPrefaceThatDoesNotComeIsNotAwaitedForLong(t *testing.T) {
	l, failed := balanced(t, 50*time.Millisecond, "127.0.0.0/8")
	client, server := accepted(t, l)
	_, _ = io.WriteString(client, "PROXY TCP4 203.")
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("it was believed")
	}
	if err := <-failed; err == nil {
		t.Error("nothing was told")
	}
}

func TestWhoOnlyLooksWhetherAnybodyIsThereIsNoNews(t *testing.T) {
	l, failed := balanced(t, 10*time.Second, "127.0.0.0/8")
	client, server := accepted(t, l)
	_ = client.Close()
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("it was believed")
	}
	if len(failed) > 0 {
		t.Errorf("told %v", <-failed)
	}
}

func TestStrangersAreNotBelieved(t *testing.T) {
	const said = "PROXY TCP4 203.0.113.9 10.0.0.1 56789 443\r\n"
	l, _ := balanced(t, 10*time.Second, "10.0.0.0/8", "2001:db8::/32")
	client, server := accepted(t, l)
	_, _ = io.WriteString(client, said)
	got := make([]byte, len(said))
	if _, err := io.ReadFull(server, got); err != nil || string(got) != said {
		t.Errorf("read %q, %v", got, err)
	}
	if got := server.RemoteAddr().String(); got != client.LocalAddr().String() {
		t.Errorf("it is %s", got)
	}
}

func FuzzPreface(f *testing.F) {
	for _, c := range prefaces {
		f.Add([]byte(c.preface + "GET"))
	}
	for _, p := range noPrefaces {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		client, size, err := ReadPreface(p)
		if size < 0 || size > len(p) || size > maxPreface || err != nil && (size > 0 || client.IsValid()) {
			t.Fatalf("client %v, size %d of %d, %v", client, size, len(p), err)
		}
		if client.Addr().Is4In6() {
			t.Fatalf("mapped: %v", client)
		}
		// Read from a connection, it ends at the same byte.
		from := bytes.NewReader(p)
		streamed, come, wrong := readAnnounced(from)
		if size > 0 && (wrong != nil || streamed != client || come != size || from.Len() != len(p)-size) {
			t.Fatalf("read as %v, %d bytes, %v; at once as %v, %d bytes", streamed, come, wrong, client, size)
		}
		if size == 0 && wrong == nil {
			t.Fatalf("read as %v, but at once %v", streamed, err)
		}
	})
}
