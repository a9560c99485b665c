package proxy_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// diary is a log that may be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// logged lets a replica write a diary.
func logged(d *diary) func(*proxy.Options) {
	return func(o *proxy.Options) {
		o.Log = slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

// newSecurePod is a pod that speaks TLS; config may be nil.
func newSecurePod(t *testing.T, name string, p *pair, config *tls.Config) *pod {
	t.Helper()
	if config == nil {
		config = &tls.Config{}
	}
	config.Certificates = []tls.Certificate{p.tls}
	s := &pod{name: name, last: make(chan *http.Request, 100)}
	s.server = httptest.NewUnstartedServer(s)
	s.server.TLS = config
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.server.StartTLS()
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// secured is a configuration whose pods are spoken to by TLS.
func secured(says model.BackendTLS, pods ...*pod) model.Config {
	return with(service(pods...), func(r *model.Route) {
		r.Protocols = model.WebSocket | model.HTTP
		r.BackendTLS = says
		r.Backends = []model.BackendRef{{Backend: r.Backends[0].Backend, Weight: 1, Scheme: model.Secure}}
	})
}

// A pod is believed when the CA vouches for it under the name, and nothing of why it is not leaves the
// log. Sockets and plain requests are alike.
func TestEndpointsAreVerified(t *testing.T) {
	root, other := newAuthority(t, "root"), newAuthority(t, "other")
	below := root.below("one").below("two")
	direct := root.server("chat.internal", host)
	for _, c := range []struct {
		name string
		pod  *pair
		says model.BackendTLS
		why  string // "": it is believed
	}{
		{"by its name", direct, model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal"}, ""},
		{"by the host of the request", direct, model.BackendTLS{Verify: true, CAs: root.pem()}, ""},
		{"by a name that it is not told", direct, model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal", NoSNI: true}, ""},
		{"by an address", direct, model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "192.0.2.1"}, ""},
		{"by one of two CAs", direct, model.BackendTLS{Verify: true, CAs: other.pem() + root.pem(), ServerName: "chat.internal"}, ""},
		{"with two between", below.server("chat.internal"), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal", Depth: 2}, ""},
		{"with any number between", below.server("chat.internal"), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal"}, ""},
		{"with nobody asking", other.server("x"), model.BackendTLS{}, ""},
		{"under another name", direct, model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "other.internal"}, "not other.internal"},
		{"under another name that it is not told", direct, model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "other.internal", NoSNI: true}, "not other.internal"},
		{"by another CA", direct, model.BackendTLS{Verify: true, CAs: other.pem(), ServerName: "chat.internal"}, "unknown authority"},
		{"by another CA, without a name", direct, model.BackendTLS{Verify: true, CAs: other.pem(), ServerName: "chat.internal", NoSNI: true}, "unknown authority"},
		{"by the system's CAs", direct, model.BackendTLS{Verify: true, ServerName: "chat.internal"}, "unknown authority"},
		{"expired", root.issue(expired(&x509.Certificate{DNSNames: []string{"chat.internal"}})), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal"}, "expired"},
		{"too far from the CA", below.server("chat.internal"), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal", Depth: 1}, "more than 1"},
		{"too far, without a name", below.server("chat.internal"), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal", Depth: 1, NoSNI: true}, "more than 1"},
		{"of a client", root.issue(&x509.Certificate{DNSNames: []string{"chat.internal"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), model.BackendTLS{Verify: true, CAs: root.pem(), ServerName: "chat.internal", NoSNI: true}, "incompatible key usage"},
		{"by too old a TLS", direct, model.BackendTLS{Verify: true, CAs: root.pem(), MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13, ServerName: "old.internal"}, "protocol version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := new(diary)
			r := start(t, logged(d))
			var config *tls.Config
			if c.says.ServerName == "old.internal" {
				config = &tls.Config{MaxVersion: tls.VersionTLS12}
			}
			p := newSecurePod(t, "a", c.pod, config)
			r.publish(secured(c.says, p))
			status, body := fetch(t, "http://"+r.http()+"/page", host)
			conn, answer, err := r.dial(host, "/")
			if err == nil {
				defer func() { _ = conn.Close() }()
			}
			if c.why == "" {
				if status != http.StatusOK || err != nil {
					t.Errorf("%d %q, %v\n%s", status, body, err, d)
				}
				return
			}
			if status != http.StatusBadGateway || !strings.HasPrefix(body, string(model.ConnectFailed)) || strings.Contains(body, "x509") || strings.Contains(body, c.why) {
				t.Errorf("told %d %q", status, body)
			}
			if err == nil || answer == nil || answer.StatusCode != http.StatusBadGateway {
				t.Errorf("the socket: %v", err)
			}
			eventually(t, "the log says why, twice", func() bool { return strings.Count(d.String(), c.why) >= 2 })
		})
	}
}

// One pod has a certificate that is not good: clients are served by the other.
func TestAnEndpointThatIsNotBelievedIsPassedOver(t *testing.T) {
	root, r := newAuthority(t, "root"), start(t)
	bad, good := newSecurePod(t, "bad", newAuthority(t, "other").server(host), nil), newSecurePod(t, "good", root.server(host), nil)
	r.publish(secured(model.BackendTLS{Verify: true, CAs: root.pem()}, bad, good))
	for range 4 {
		if got := r.open(host, "/").say("x"); got != "good: x" {
			t.Errorf("answered by %q", got)
		}
		if status, got := fetch(t, "http://"+r.http()+"/", host); status != http.StatusOK || !strings.HasPrefix(got, "good") {
			t.Errorf("%d by %q", status, got)
		}
	}
}

// Pods may ask who we are.
func TestEndpointsAreShownACertificate(t *testing.T) {
	root, clients, r := newAuthority(t, "root"), newAuthority(t, "clients"), start(t)
	pool := x509.NewCertPool()
	pool.AddCert(clients.Cert)
	p := newSecurePod(t, "a", root.server(host), &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	own := clients.client("fairlead")
	says := model.BackendTLS{Verify: true, CAs: root.pem(), CertPEM: own.chain, KeyPEM: own.keyPEM(t)}
	r.publish(secured(says, p))
	if got := r.open(host, "/").say("x"); got != "a: x" {
		t.Errorf("answered %q", got)
	}
	if got := (<-p.last).TLS.PeerCertificates[0].Subject.CommonName; got != "fairlead" {
		t.Errorf("the pod saw %q", got)
	}
	if status, _ := fetch(t, "http://"+r.http()+"/", host); status != http.StatusOK {
		t.Errorf("a page: %d", status)
	}

	// The certificate is taken away: the idle connection that has it must not serve who has none.
	says.CertPEM, says.KeyPEM = "", ""
	r.publish(secured(says, p))
	if status, body := fetch(t, "http://"+r.http()+"/", host); status != http.StatusBadGateway {
		t.Errorf("without a certificate: %d %q", status, body)
	}
}

// Two routes lead to one pod. What one of them has verified says nothing about the other's wish, nor
// is a connection that nobody verified good enough for who does.
func TestPlainRequestsShareNoConnectionAcrossSettings(t *testing.T) {
	root, other, r := newAuthority(t, "root"), newAuthority(t, "other"), start(t)
	p := newSecurePod(t, "a", root.server("chat.example.com", "shop.example.com"), nil)
	hosts := []struct {
		name string
		says model.BackendTLS
		want int
	}{
		{"any.example.com", model.BackendTLS{}, http.StatusOK},
		{"other.example.com", model.BackendTLS{}, http.StatusOK},
		{"chat.example.com", model.BackendTLS{Verify: true, CAs: root.pem()}, http.StatusOK},
		{"shop.example.com", model.BackendTLS{Verify: true, CAs: root.pem()}, http.StatusOK},
		{"wrong.example.com", model.BackendTLS{Verify: true, CAs: root.pem()}, http.StatusBadGateway},
		{"strict.example.com", model.BackendTLS{Verify: true, CAs: other.pem()}, http.StatusBadGateway},
	}
	config := secured(model.BackendTLS{}, p)
	route := config.Routes[0]
	config.Routes = nil
	for _, h := range hosts {
		route.ID, route.BackendTLS = h.name, h.says
		route.Matches = []model.Match{{Host: h.name, Path: model.PathMatch{Value: "/"}}}
		config.Routes = append(config.Routes, route)
	}
	r.publish(config)
	connections := map[string]bool{}
	for range 2 {
		for _, h := range hosts {
			status, body := fetch(t, "http://"+r.http()+"/", h.name)
			if status != h.want {
				t.Errorf("%s: %d %q, want %d", h.name, status, body, h.want)
			}
			if status == http.StatusOK {
				connections[(<-p.last).RemoteAddr] = true
			}
		}
	}
	// One for those who don't verify, one for each name that is verified.
	if len(connections) != 3 {
		t.Errorf("%d connections", len(connections))
	}
	// A change elsewhere leaves them in use.
	config.Routes[0].NoLog = true
	r.publish(config)
	for _, h := range hosts {
		if status, _ := fetch(t, "http://"+r.http()+"/", h.name); status == http.StatusOK {
			connections[(<-p.last).RemoteAddr] = true
		}
	}
	if len(connections) != 3 {
		t.Errorf("%d connections after a publish", len(connections))
	}
}

// Who comes by wss is taken to the pod by TLS, who comes in the clear is not.
func TestEndpointsMayBeSpokenToAsTheClientSpeaks(t *testing.T) {
	root, r := newAuthority(t, "root"), start(t)
	p := newSecurePod(t, "a", root.server(host), nil)
	config := secured(model.BackendTLS{Verify: true, CAs: root.pem()}, p)
	config.Routes[0].Backends[0].Scheme = model.AsClient
	r.publish(config)
	s, _ := r.secure(nil)
	if got := s.say("x"); got != "a: x" {
		t.Errorf("answered %q", got)
	}
	if _, answer, err := r.dial(host, "/"); err == nil || answer == nil || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("in the clear: %v", err) // net/http's word for HTTP to a port with TLS
	}
}

// Certificates that can't be read must not become certificates that aren't looked at.
func TestTLSThatCannotBeCompiledConnectsToNobody(t *testing.T) {
	root, r := newAuthority(t, "root"), start(t)
	p := newSecurePod(t, "a", root.server(host), nil)
	for name, says := range map[string]model.BackendTLS{
		"no CA in it":   {Verify: true, CAs: "-----BEGIN NOTHING-----\n"},
		"half a pair":   {CertPEM: root.client("x").chain},
		"no TLS at all": {MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12},
	} {
		t.Run(name, func(t *testing.T) {
			if err := r.publishWithErrors(secured(says, p)); err == nil || !strings.Contains(err.Error(), "TLS to endpoints") {
				t.Errorf("compiled with %v", err)
			}
			if status, body := fetch(t, "http://"+r.http()+"/", host); status != http.StatusBadGateway {
				t.Errorf("%d %q", status, body)
			}
			if _, answer, err := r.dial(host, "/"); err == nil || answer.StatusCode != http.StatusBadGateway {
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

// publishWithErrors publishes what can be compiled, and returns what can't.
func (r *replica) publishWithErrors(cfg model.Config) error {
	compiled, err := table.Compile(cfg, r.Table())
	r.Publish(compiled, time.Now())
	return err
}
