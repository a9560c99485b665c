package proxy_test

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// announcement is a preface and whom it names.
type announcement struct{ name, preface, client string }

func announcements(t *testing.T) []announcement {
	t.Helper()
	binary := func(digits string) string {
		p, err := hex.DecodeString("0d0a0d0a000d0a515549540a" + strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return string(p)
	}
	return []announcement{
		{"v1", "PROXY TCP4 203.0.113.9 10.0.0.1 56789 80\r\n", "203.0.113.9"},
		{"v1 over IPv6", "PROXY TCP6 2001:db8::9 2001:db8::1 56789 80\r\n", "2001:db8::9"},
		{"v1 unknown", "PROXY UNKNOWN\r\n", "127.0.0.1"},
		{"v2", binary("21 11 000c cb007109 0a000001 ddd5 0050"), "203.0.113.9"},
		{"v2 with a TLV", binary("21 11 0012 cb007109 0a000001 ddd5 0050 04 0003 010203"), "203.0.113.9"},
		{"v2 local", binary("20 00 0000"), "127.0.0.1"},
	}
}

// expecting lets a replica expect prefaces from these networks.
func expecting(networks ...string) func(*proxy.Options) {
	return func(o *proxy.Options) {
		for _, n := range networks {
			o.ProxyProtocol = append(o.ProxyProtocol, netip.MustParsePrefix(n))
		}
	}
}

// balancer dials for a client and says what it has to say first, in pieces.
type balancer struct {
	address, preface string
	torn             int  // where the preface is torn; 0: not at all
	glued            bool // the request comes with it
	name             string
	delay            time.Duration
}

func (b *balancer) dial(_, _ string) (net.Conn, error) {
	conn, err := net.Dial("tcp", b.address)
	if err != nil {
		return nil, err
	}
	rest := b.preface
	if b.torn > 0 {
		if _, err := io.WriteString(conn, rest[:b.torn]); err != nil {
			return nil, err
		}
		rest = rest[b.torn:]
		time.Sleep(b.delay) // the two parts should come apart; when they don't, the story is another one
	}
	if b.glued {
		conn = &gluing{Conn: conn, first: rest}
	} else if _, err = io.WriteString(conn, rest); err != nil {
		return nil, err
	}
	if b.name != "" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: b.name})
	}
	return conn, err
}

// gluing writes something together with the first write.
type gluing struct {
	net.Conn
	first string
}

func (g *gluing) Write(p []byte) (int, error) {
	n := len(g.first)
	wrote, err := g.Conn.Write(append([]byte(g.first), p...))
	g.first = ""
	return max(wrote-n, 0), err
}

func (b *balancer) open(t *testing.T) *socket {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience, NetDial: b.dial}
	conn, answer, err := d.Dial("ws://"+host+"/", nil)
	if err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &socket{conn, t, answer}
}

// get asks for a page.
func (b *balancer) get(t *testing.T) {
	t.Helper()
	transport := &http.Transport{Dial: b.dial} //nolint:staticcheck // b needs no context
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("http://" + host + "/page")
	if err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%+v: %d", b, answer.StatusCode)
	}
}

// Behind a balancer the client is whom the balancer names: for the pods, the log, and whoever asks for
// the address, by ws and wss, for sockets and pages.
func TestTheClientIsWhomABalancerNames(t *testing.T) {
	d := new(diary)
	p, r := newPod(t, "a"), start(t, logged(d), expecting("127.0.0.0/8"))
	r.publish(with(service(p), func(r *model.Route) { r.Protocols = model.WebSocket | model.HTTP }))
	plain, secure, _ := r.Addrs()
	for _, a := range announcements(t) {
		for _, b := range []*balancer{
			{address: plain.String(), preface: a.preface},
			{address: plain.String(), preface: a.preface, glued: true},
			{address: secure.String(), preface: a.preface, name: host},
			{address: secure.String(), preface: a.preface, name: host, glued: true},
		} {
			t.Run(a.name, func(t *testing.T) {
				if got := b.open(t).say("x"); got != "a: x" {
					t.Errorf("heard %q", got)
				}
				b.get(t)
				for range 2 {
					told := (<-p.last).Header
					if told.Get("X-Real-Ip") != a.client || told.Get("X-Forwarded-For") != a.client {
						t.Errorf("the pod is told %q and %q, want %q", told.Get("X-Real-Ip"), told.Get("X-Forwarded-For"), a.client)
					}
				}
				eventually(t, "the log has the client", func() bool { return strings.Contains(d.String(), "client="+a.client+" ") })
			})
		}
	}
}

// A balancer's bytes may come in any pieces.
func TestAPrefaceMayBeTornAnywhere(t *testing.T) {
	p, r := newPod(t, "a"), start(t, expecting("127.0.0.0/8"))
	r.publish(service(p))
	plain, secure, _ := r.Addrs()
	for _, a := range announcements(t) {
		t.Run(a.name, func(t *testing.T) {
			for at := 1; at <= len(a.preface); at++ {
				for _, b := range []*balancer{
					{address: plain.String(), preface: a.preface, torn: at, delay: time.Millisecond},
					{address: plain.String(), preface: a.preface, torn: at, glued: true, delay: time.Millisecond},
					{address: secure.String(), preface: a.preface, torn: at, name: host},
				} {
					s := b.open(t)
					if got := s.say("x"); got != "a: x" {
						t.Errorf("heard %q", got)
					}
					_ = s.Close()
					if got := (<-p.last).Header.Get("X-Real-Ip"); got != a.client {
						t.Errorf("torn at %d: the pod is told %q", at, got)
					}
				}
			}
		})
	}
}

// Whoever is not a balancer can't say who it is: what it sends is no HTTP and no TLS.
func TestStrangersCanNotNameThemselves(t *testing.T) {
	d := new(diary)
	p, r := newPod(t, "a"), start(t, logged(d), expecting("192.0.2.0/24"))
	r.publish(with(service(p), func(r *model.Route) { r.Protocols = model.WebSocket | model.HTTP }))
	plain, secure, _ := r.Addrs()
	for _, a := range announcements(t) {
		conn, err := net.Dial("tcp", plain.String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, a.preface+"GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("%s: answered %q, %v", a.name, answer, err)
		}
		_ = conn.Close()
		if conn, err := (&balancer{address: secure.String(), preface: a.preface, name: host}).dial("", ""); err == nil {
			_ = conn.SetDeadline(time.Now().Add(patience))
			if err := conn.(*tls.Conn).Handshake(); err == nil {
				t.Errorf("%s: TLS behind it", a.name)
			}
			_ = conn.Close()
		}
	}
	if len(p.last) > 0 || strings.Contains(d.String(), "203.0.113.9") {
		t.Error("somebody was believed")
	}
	if got := r.open(host, "/").say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
}

// In a network of balancers nobody else is served, or anybody there could be taken for a client that
// was let in by its address.
func TestBalancersMustSpeakFirst(t *testing.T) {
	d := new(diary)
	p, r := newPod(t, "a"), start(t, logged(d), expecting("127.0.0.0/8"))
	r.publish(service(p))
	plain, secure, _ := r.Addrs()
	for _, address := range []string{plain.String(), secure.String()} {
		for _, said := range []string{"GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "PROXY TCP4 203.0.113.9\r\n", "\x16\x03\x01\x00\x05hello"} {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, said)
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if answer, err := io.ReadAll(conn); len(answer) > 0 || isTimeout(err) {
				t.Errorf("answered %q, %v", answer, err)
			}
			_ = conn.Close()
		}
	}
	eventually(t, "the operator is told", func() bool { return strings.Count(d.String(), "no PROXY protocol") == 5 })
	if got := strings.Count(d.String(), "level=WARN"); got != 1 {
		t.Errorf("%d warnings", got)
	}
}

func isTimeout(err error) bool {
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
}
