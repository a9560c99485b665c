package handshake

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

var inner = &Forwarding{
	Trusted: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("fe80::/10"),
	},
	Server: "fairlead-0",
}

// plain is a request from peer with some header lines.
func plain(t *testing.T, peer string, lines ...string) *http.Request {
	t.Helper()
	raw := "GET /a%2Fb?c=d HTTP/1.1\r\nHost: chat.example.com\r\n"
	for _, line := range lines {
		raw += line + "\r\n"
	}
	return request(t, raw+"\r\n", peer)
}

// forwarded is the header with which r goes to an endpoint.
func forwarded(f *Forwarding, r *http.Request) http.Header {
	return f.Header(r, f.Client(r))
}

func TestClientAddressGoesAsFarAsTrust(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"a client", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"a client over IPv6", "[2001:db8::1]:4711", nil, "2001:db8::1"},
		{"IPv4 on a dual-stack listener", "[::ffff:192.0.2.1]:4711", nil, "192.0.2.1"},
		{"a link-local client", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"a client that lies", "192.0.2.1:1", []string{"X-Forwarded-For: 198.51.100.7"}, "192.0.2.1"},
		{"a proxy without a word", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a proxy", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7"}, "198.51.100.7"},
		{"a mapped proxy", "[::ffff:10.0.0.1]:1", []string{"X-Forwarded-For: 198.51.100.7"}, "198.51.100.7"},
		{"a client that lies to a proxy", "10.0.0.1:1", []string{"X-Forwarded-For: 203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"a chain of proxies", "10.0.0.1:1", []string{"X-Forwarded-For: 203.0.113.9, 198.51.100.7,10.1.1.1 , fd00::7"}, "198.51.100.7"},
		{"a chain in several lines", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 10.1.1.1", "X-Forwarded-For: 10.1.1.2"}, "198.51.100.7"},
		{"only proxies", "10.0.0.1:1", []string{"X-Forwarded-For: 10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"ports", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7:55555, [fd00::7]:80"}, "198.51.100.7"},
		{"IPv6", "10.0.0.1:1", []string{"X-Forwarded-For: 2001:db8::99"}, "2001:db8::99"},
		{"IPv6 in brackets", "10.0.0.1:1", []string{"X-Forwarded-For: [2001:db8::99]"}, "2001:db8::99"},
		{"IPv6 in brackets with port", "10.0.0.1:1", []string{"X-Forwarded-For: [2001:db8::99]:443"}, "2001:db8::99"},
		{"a mapped client", "10.0.0.1:1", []string{"X-Forwarded-For: ::ffff:198.51.100.7"}, "198.51.100.7"},
		{"no address on the way", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7, unknown, 10.2.2.2"}, "10.2.2.2"},
		{"empty elements", "10.0.0.1:1", []string{"X-Forwarded-For: ,198.51.100.7, ,", "X-Forwarded-For:"}, "198.51.100.7"},
		{"half a bracket", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7]"}, "10.0.0.1"},
		{"no peer address", "@", []string{"X-Forwarded-For: 198.51.100.7"}, "invalid IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inner.Client(plain(t, c.peer, c.lines...)).Address; got.String() != c.want {
				t.Errorf("ClientAddress = %v, want %s", got, c.want)
			}
		})
	}
}

// expect compares some headers; "" is for a header that must be absent.
func expect(t *testing.T, got http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		have, present := got[http.CanonicalHeaderKey(name)]
		if value == "" && present {
			t.Errorf("%s: %q, want none", name, have)
		}
		if value != "" && (len(have) != 1 || have[0] != value) {
			t.Errorf("%s: %q, want %q", name, have, value)
		}
	}
}

func TestAStrangerCanNotForgeWhereItComesFrom(t *testing.T) {
	r := plain(t, "192.0.2.1:1",
		"X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 198.51.100.7",
		"X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1", "X-Forwarded-Proto: https",
		"X-Forwarded-Server: evil", "X-Forwarded-User: root", "Forwarded: for=198.51.100.7",
		"X-Scheme: https", "X_Scheme: https", "X-Original-Forwarded-For: 198.51.100.7",
		"X_Forwarded_For: 198.51.100.7", "X_Real-IP: 198.51.100.7", "Proxy: http://evil.example",
		"X_Custom: stays")
	got := forwarded(inner, r)
	expect(t, got, map[string]string{
		"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1",
		"X-Forwarded-Host": "chat.example.com", "X-Forwarded-Port": "80", "X-Forwarded-Proto": "http",
		"X-Forwarded-Server": "fairlead-0", "X-Forwarded-User": "", "Forwarded": "",
		"X-Scheme": "", "X_scheme": "", "X-Original-Forwarded-For": "",
		"X_Forwarded_For": "", "X_real-Ip": "", "Proxy": "", "X_Custom": "stays",
	})
	for name := range got {
		if strings.Contains(name, "_") && !strings.EqualFold(name, "X_Custom") {
			t.Errorf("%s passed", name)
		}
	}
}

// Whoever fronts us may have passed on what its client wrote: who terminates TLS says whose
// certificate it saw.
func TestNobodyCanSayWhichCertificateWasSeen(t *testing.T) {
	for _, peer := range []string{"192.0.2.1:1", "10.0.0.1:1"} {
		got := forwarded(inner, plain(t, peer, "Ssl-Client-Verify: SUCCESS", "SSL_CLIENT_VERIFY: SUCCESS",
			"ssl-client_subject-dn: CN=root", "Ssl-Client-Issuer-Dn: CN=ca", "SSL-CLIENT-CERT: x", "Ssl-Client-Fingerprint: 00", "Ssl-Clients: 7"))
		for name := range got {
			if plain := strings.ReplaceAll(strings.ToLower(name), "_", "-"); strings.HasPrefix(plain, "ssl-client-") {
				t.Errorf("%s passed from %s", name, peer)
			}
		}
		expect(t, got, map[string]string{"Ssl-Clients": "7"})
	}
}

func TestATrustedProxyIsBelieved(t *testing.T) {
	got := forwarded(inner, plain(t, "10.0.0.1:1",
		"X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-For: 10.1.1.1", "X-Real-IP: 203.0.113.9",
		"X-Forwarded-Host: public.example:8443", "X-Forwarded-Proto: https", "X-Forwarded-Server: edge",
		"X-Forwarded-User: ann", "Forwarded: for=198.51.100.7", "X-Scheme: https"))
	expect(t, got, map[string]string{
		"X-Forwarded-For": "203.0.113.9, 198.51.100.7, 10.1.1.1, 10.0.0.1", "X-Real-IP": "198.51.100.7",
		"X-Forwarded-Host": "public.example:8443", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https",
		"X-Forwarded-Server": "edge", "X-Forwarded-User": "ann", "Forwarded": "for=198.51.100.7", "X-Scheme": "https",
	})
	silent := forwarded(inner, plain(t, "10.0.0.1:1"))
	expect(t, silent, map[string]string{
		"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "chat.example.com", "X-Forwarded-Port": "80",
		"X-Forwarded-Proto": "http", "X-Forwarded-Server": "fairlead-0",
	})
}

func TestTheSchemeIsHTTPNeverWS(t *testing.T) {
	for _, c := range []struct {
		proto, want, port string
		tls               bool
	}{
		{"wss", "https", "443", false},
		{"ws", "http", "80", true},
		{"HTTPS", "https", "443", false},
		{"https, http", "https", "443", false},
		{"nonsense", "https", "443", true},
		{"", "https", "443", true},
	} {
		r := plain(t, "10.0.0.1:1", "X-Forwarded-Proto: "+c.proto)
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		expect(t, forwarded(inner, r), map[string]string{"X-Forwarded-Proto": c.want, "X-Forwarded-Port": c.port})
		if inner.Client(r).Secure != (c.want == "https") {
			t.Errorf("Secure disagrees with X-Forwarded-Proto for %q", c.proto)
		}
	}
}

func TestThePortIsTheOneThatTheClientKnows(t *testing.T) {
	for _, c := range []struct{ host, given, want string }{
		{"a.example", "", "80"}, {"a.example:8080", "", "8080"}, {"[2001:db8::1]", "", "80"},
		{"[2001:db8::1]:81", "", "81"}, {"a.example:", "", "80"}, {"a.example:99999", "", "80"},
		{"a.example", "444", "444"}, {"a.example:8080", "none", "8080"},
	} {
		r := plain(t, "10.0.0.1:1")
		r.Host = c.host
		if c.given != "" {
			r.Header.Set("X-Forwarded-Port", c.given)
		}
		expect(t, forwarded(inner, r), map[string]string{"X-Forwarded-Port": c.want})
	}
}

func TestHopByHopHeadersStayBehind(t *testing.T) {
	r := plain(t, "192.0.2.1:1",
		"Connection: keep-alive, Upgrade, X-Mine, X-Forwarded-For, x-real-ip, Http2-Settings", "Connection: Cookie",
		"Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authenticate: Basic",
		"Proxy-Authorization: Basic eDp5", "TE: gzip, trailers", "Trailer: X-Sum", "Upgrade: websocket, h2c",
		"HTTP2-Settings: AAMAAABk", "X-Mine: 1", "Cookie: a=b", "Authorization: Bearer x",
		"Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
	before := r.Header.Clone()
	got := forwarded(inner, r)
	expect(t, got, map[string]string{
		"Connection": "", "Upgrade": "", "Keep-Alive": "", "Proxy-Connection": "",
		"Proxy-Authenticate": "", "Proxy-Authorization": "", "TE": "trailers", "Trailer": "", "HTTP2-Settings": "",
		"X-Mine": "", "Cookie": "", "Authorization": "Bearer x",
		"Sec-WebSocket-Protocol":   "chat, superchat",
		"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
		"X-Forwarded-For":          "192.0.2.1", "X-Real-IP": "192.0.2.1",
	})
	for name, values := range before {
		if !slices.Equal(r.Header[name], values) {
			t.Errorf("the request's %s became %q", name, r.Header[name])
		}
	}
}

// A client behind a trusted proxy that passes Connection on must not become that proxy.
func TestConnectionCanNotHideTheClientBehindAProxy(t *testing.T) {
	got := forwarded(inner, plain(t, "10.0.0.1:1", "X-Forwarded-For: 198.51.100.7",
		"X-Forwarded-Proto: https", "Connection: X-Forwarded-For, X-Forwarded-Proto"))
	expect(t, got, map[string]string{
		"X-Forwarded-For": "198.51.100.7, 10.0.0.1", "X-Real-IP": "198.51.100.7", "X-Forwarded-Proto": "https",
	})
}

func TestWithoutAPeerAddressNothingIsClaimed(t *testing.T) {
	none := &Forwarding{}
	expect(t, forwarded(none, plain(t, "@", "X-Forwarded-For: 198.51.100.7")), map[string]string{
		"X-Forwarded-For": "", "X-Real-IP": "", "X-Forwarded-Server": "", "X-Forwarded-Proto": "http",
	})
}
