package probe

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestUnreachableHostsAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		world   func(w *world)
		o       Options
		finding Finding
		says    []string
	}{
		"no-such-name": {
			func(w *world) { delete(w.names, "chat.example.com") }, Options{}, NameNotFound, []string{"does not exist"},
		},
		"name-servers-fail": {
			func(w *world) { w.names["chat.example.com"] = []string{""} }, Options{}, NameFailed, []string{"server misbehaving"},
		},
		"service-name-outside-the-cluster": {
			func(*world) {}, Options{URL: "ws://chat.prod.svc.cluster.local/"}, NameNotFound, []string{"only inside the cluster"},
		},
		"connection-refused": {
			func(w *world) { delete(w.at, "192.0.2.10:80") }, Options{}, ConnectRefused, []string{"nothing listens"},
		},
		"connection-swallowed": {
			func(w *world) { w.at["192.0.2.10:80"] = "" }, Options{Timeout: 50 * time.Millisecond}, ConnectTimeout, []string{"firewall"},
		},
		"ipv6-is-broken": {
			func(w *world) {
				w.names["chat.example.com"] = []string{"192.0.2.10", "2001:db8::10"}
				w.at["[2001:db8::10]:80"] = ""
			}, Options{Timeout: 200 * time.Millisecond}, Works, []string{"IPv6 is broken", "AAAA"},
		},
		"ipv6-is-not-there": {
			func(w *world) {
				w.names["chat.example.com"] = []string{"2001:db8::10"}
				w.at["[2001:db8::10]:80"] = "unreachable"
			}, Options{}, ConnectFailed, []string{"without IPv6"},
		},
		"one-address-of-three-fails": {
			func(w *world) {
				w.names["chat.example.com"] = []string{"192.0.2.10", "192.0.2.11", "192.0.2.12"}
				w.at["192.0.2.12:80"] = w.at["192.0.2.10:80"]
			}, Options{AllAddresses: true}, ConnectRefused, []string{"2 of 3 addresses work"},
		},
		"first-address-of-two-fails": {
			func(w *world) { w.names["chat.example.com"] = []string{"192.0.2.9", "192.0.2.10"} },
			Options{AllAddresses: true}, ConnectRefused, []string{"192.0.2.9 (refused)", "1 of 2 addresses work"},
		},
		"connect-to-another-address": {
			func(w *world) { w.at["10.1.2.3:8080"] = w.at["192.0.2.10:80"] }, Options{ConnectTo: "10.1.2.3:8080"}, Works, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("80", served(t, echo))
			c.world(w)
			r := w.probe(t, c.o)
			if r.Verdict.Finding != c.finding || r.Verdict.Works != (c.finding == Works) {
				t.Errorf("found %s, works %v; want %s", r.Verdict.Finding, r.Verdict.Works, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q", part)
			}
			golden(t, name, r)
		})
	}
}

func TestPagesOnHTTPSNeedWSS(t *testing.T) {
	root := (*authority)(nil).issues(t, "Test Root")
	w := newWorld("80", served(t, echo))
	w.at["192.0.2.10:443"] = secure(t, &tls.Config{Certificates: []tls.Certificate{chain(root.certificate(t, leaf("chat.example.com")))}}, echo)
	r := w.probe(t, Options{URL: "http://chat.example.com/ws", Roots: root.pool})
	if !r.Verdict.Works {
		t.Error("does not work")
	}
	if part := r.Verdict.lacks("mixed content", "can only open wss://chat.example.com/ws"); part != "" {
		t.Errorf("does not say %q", part)
	}
	golden(t, "mixed-content", r)
}

func leaf(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}
}

func TestCertificatesAreExplained(t *testing.T) {
	root := (*authority)(nil).issues(t, "Test Root")
	middle := root.issues(t, "Test Intermediate")
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		shows   func() tls.Certificate
		o       Options
		finding Finding
		says    []string
	}{
		"good-certificate": {
			func() tls.Certificate {
				cert, key := middle.certificate(t, leaf("*.example.com", "example.com"))
				return chain(cert, key, middle.cert)
			}, Options{}, Works, nil,
		},
		"expired": {
			func() tls.Certificate {
				l := leaf("chat.example.com")
				l.NotAfter = long
				return chain(root.certificate(t, l))
			}, Options{}, CertExpired, []string{"expired on 2020-01-01", "behind the certificate all is well"},
		},
		"wrong-name": {
			func() tls.Certificate { return chain(root.certificate(t, leaf("www.example.com"))) }, Options{}, CertWrongName, []string{"not for chat.example.com but for www.example.com"},
		},
		"wildcard-one-label-too-high": {
			func() tls.Certificate { return chain(root.certificate(t, leaf("*.example.com"))) }, Options{URL: "wss://eu.chat.example.com/"}, CertWrongName, []string{"exactly one label"},
		},
		"self-signed": {
			func() tls.Certificate { return chain((*authority)(nil).certificate(t, leaf("chat.example.com"))) }, Options{}, CertSelfSigned, []string{"--ca FILE"},
		},
		"unknown-authority": {
			func() tls.Certificate {
				other := (*authority)(nil).issues(t, "Company Root")
				cert, key := other.certificate(t, leaf("chat.example.com"))
				return chain(cert, key, other.cert)
			}, Options{}, CertUnknownCA, []string{"Company Root is no authority"},
		},
		"incomplete-chain": {
			func() tls.Certificate {
				l := leaf("chat.example.com")
				l.IssuingCertificateURL = []string{"http://ca.example.net/intermediate.der"}
				return chain(middle.certificate(t, l))
			}, Options{}, CertIncomplete, []string{"Test Intermediate is missing", "fullchain.pem"},
		},
		"fake-certificate-of-ingress-nginx": {
			func() tls.Certificate {
				return chain((*authority)(nil).certificate(t, leaf("Kubernetes Ingress Controller Fake Certificate", "ingress.local")))
			}, Options{}, CertDefault, []string{"ingress-nginx has no certificate for chat.example.com", "secretName"},
		},
		"wrong-name-but-insecure": {
			func() tls.Certificate { return chain(root.certificate(t, leaf("www.example.com"))) }, Options{Insecure: true}, Works, []string{"was not verified"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("443", secure(t, &tls.Config{Certificates: []tls.Certificate{c.shows()}}, echo))
			w.names["eu.chat.example.com"] = w.names["chat.example.com"]
			c.o.Roots = root.pool
			if c.o.URL == "" {
				c.o.URL = "wss://chat.example.com/ws"
			}
			r := w.probe(t, c.o)
			if r.Verdict.Finding != c.finding {
				t.Errorf("found %s, want %s", r.Verdict.Finding, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q", part)
			}
			golden(t, "certificate-"+name, r)
		})
	}
}

func TestTLSThatFailsIsExplained(t *testing.T) {
	root := (*authority)(nil).issues(t, "Test Root")
	good := chain(root.certificate(t, leaf("chat.example.com")))
	for name, c := range map[string]struct {
		url, port string
		server    func(t *testing.T) string
		finding   Finding
		says      []string
	}{
		"plain-http-on-the-tls-port": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string { return served(t, echo) }, NotTLS, []string{"ws://chat.example.com:443/ws works", "listen 443 ssl"},
		},
		"tls-on-the-plain-port": {
			"ws://chat.example.com:8443/ws", "8443", func(t *testing.T) string {
				return secure(t, &tls.Config{Certificates: []tls.Certificate{good}}, echo)
			}, NeedsTLS, []string{"wss://chat.example.com:8443/ws works"},
		},
		"tls-on-the-plain-port-without-a-word": {
			"ws://chat.example.com:8443/ws", "8443", func(t *testing.T) string {
				return listenWith(t, func(c net.Conn) { // net/http would answer in the clear
					conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{good}})
					if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
						switching(conn, r, nil)
					}
				})
			}, NeedsTLS, nil,
		},
		"no-site-of-this-name": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string {
				return listenWith(t, func(c net.Conn) {
					_, _ = c.Read(make([]byte, 4096))
					_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, alertUnrecognizedName})
				})
			}, TLSRefused, []string{"unrecognized_name", "secretName"},
		},
		"closed-in-the-tls-handshake": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string {
				return listenWith(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) })
			}, TLSRefused, []string{"PROXY protocol"},
		},
		"http2-only": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string {
				only := func(protocol string) *tls.Config {
					return &tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{protocol}}
				}
				return listenWith(t, func(c net.Conn) {
					_ = tls.Server(c, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
						if slices.Contains(h.SupportedProtos, "h2") {
							return only("h2"), nil
						}
						return only("grpc"), nil // crypto/tls would let http/1.1 pass where h2 is served
					}}).Handshake()
				})
			}, HTTP2Only, []string{"RFC 8441"},
		},
		"client-certificate": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string {
				return secure(t, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, echo)
			}, ClientCertNeeded, []string{"mutual TLS"},
		},
		"old-tls": {
			"wss://chat.example.com/ws", "443", func(t *testing.T) string {
				return secure(t, &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, echo)
			}, TLSRefused, []string{"turn TLS 1.2 and 1.3 on"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld(c.port, c.server(t)).probe(t, Options{URL: c.url, Roots: root.pool})
			if r.Verdict.Finding != c.finding {
				t.Errorf("found %s, want %s", r.Verdict.Finding, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q", part)
			}
			golden(t, name, r)
		})
	}
}

func TestASilentTLSPortTimesOut(t *testing.T) {
	r := newWorld("443", listenWith(t, drain)).probe(t, Options{URL: "wss://chat.example.com/ws", Timeout: 100 * time.Millisecond})
	if r.Verdict.Finding != TLSTimeout {
		t.Errorf("found %s", r.Verdict.Finding)
	}
}

func TestNamesBelowLocalhostAreThisMachine(t *testing.T) {
	for _, host := range []string{"chat.localhost", "a.b.LOCALHOST."} {
		addresses, err := lookUp(t.Context(), host)
		if err != nil || len(addresses) == 0 || !addresses[0].IsLoopback() {
			t.Errorf("%s leads to %v, %v", host, addresses, err)
		}
	}
}
