package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// visitor is a client of the TLS port.
type visitor struct {
	t      *testing.T
	r      *replica
	config tls.Config
}

// visitor makes one that asks for name in the handshake and shows these certificates.
func (r *replica) visitor(name string, shows ...*pair) *visitor {
	v := &visitor{t: r.t, r: r, config: tls.Config{InsecureSkipVerify: true, ServerName: name}}
	for _, p := range shows {
		v.config.Certificates = append(v.config.Certificates, p.tls)
	}
	return v
}

func (v *visitor) connect() *tls.Conn {
	v.t.Helper()
	_, at, _ := v.r.Addrs()
	conn, err := tls.Dial("tcp", at.String(), &v.config)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a request over a connection of its own and returns the answer.
func (v *visitor) ask(host string, header ...string) (*http.Response, string) {
	v.t.Helper()
	conn := v.connect()
	defer func() { _ = conn.Close() }()
	return ask(v.t, conn, host, header...)
}

func ask(t *testing.T, conn io.ReadWriter, host string, header ...string) (*http.Response, string) {
	t.Helper()
	lines := append([]string{"GET /page HTTP/1.1", "Host: " + host}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodGet})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// wss opens a socket.
func (v *visitor) wss(host string) (*websocket.Conn, *http.Response, error) {
	_, at, _ := v.r.Addrs()
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &v.config}
	conn, answer, err := d.Dial("wss://"+at.String()+"/", http.Header{"Host": {host}})
	if err == nil {
		v.t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, answer, err
}

// certified is a configuration whose only route asks for client certificates.
func certified(p *pod, asks *model.ClientCert) model.Config {
	return with(service(p), func(r *model.Route) {
		r.Protocols = model.WebSocket | model.HTTP
		r.Access.ClientCert = asks
	})
}

func TestClientsAreAskedForACertificate(t *testing.T) {
	root, other := newAuthority(t, "root"), newAuthority(t, "other")
	below := root.below("one").below("two")
	good, alien := root.client("ann"), other.client("ann")
	old := root.issue(expired(&x509.Certificate{Subject: pkix.Name{CommonName: "ann"}}))
	const yes, no = http.StatusOK, http.StatusBadRequest
	for _, c := range []struct {
		name   string
		asks   model.ClientCert
		shows  *pair
		status int
		verify string // what the endpoint is told
	}{
		{"good", model.ClientCert{CAs: root.pem()}, good, yes, "SUCCESS"},
		{"by one of two CAs", model.ClientCert{CAs: other.pem() + root.pem()}, good, yes, "SUCCESS"},
		{"none", model.ClientCert{CAs: root.pem()}, nil, no, ""},
		{"of another CA", model.ClientCert{CAs: root.pem()}, alien, no, ""},
		{"expired", model.ClientCert{CAs: root.pem()}, old, no, ""},
		{"of a server", model.ClientCert{CAs: root.pem()}, root.server("ann"), no, ""},
		{"with one between", model.ClientCert{CAs: root.pem()}, root.below("one").client("ann"), yes, "SUCCESS"},
		{"too far from the CA", model.ClientCert{CAs: root.pem()}, below.client("ann"), no, ""},
		{"as far as allowed", model.ClientCert{CAs: root.pem(), Depth: 2}, below.client("ann"), yes, "SUCCESS"},
		{"right name", model.ClientCert{CAs: root.pem(), MatchCN: "^CN=(ann|bob)$"}, good, yes, "SUCCESS"},
		{"wrong name", model.ClientCert{CAs: root.pem(), MatchCN: "^CN=bob$"}, good, http.StatusForbidden, ""},
		{"optional, none", model.ClientCert{CAs: root.pem(), Mode: model.OptionalCert}, nil, yes, "NONE"},
		{"optional, good", model.ClientCert{CAs: root.pem(), Mode: model.OptionalCert}, good, yes, "SUCCESS"},
		{"optional, of another CA", model.ClientCert{CAs: root.pem(), Mode: model.OptionalCert}, alien, no, ""},
		{"optional, none with a name", model.ClientCert{CAs: root.pem(), Mode: model.OptionalCert, MatchCN: "ann"}, nil, http.StatusForbidden, ""},
		{"unverified, none", model.ClientCert{Mode: model.UnverifiedCert}, nil, yes, "NONE"},
		{"unverified, of another CA", model.ClientCert{CAs: root.pem(), Mode: model.UnverifiedCert}, alien, yes, "FAILED:unable to get local issuer certificate"},
		{"unverified, of no CA", model.ClientCert{Mode: model.UnverifiedCert}, alien, yes, "FAILED:unable to get local issuer certificate"},
		{"unverified, expired", model.ClientCert{CAs: root.pem(), Mode: model.UnverifiedCert}, old, no, ""},
		{"with an error page", model.ClientCert{CAs: root.pem(), ErrorPage: "https://example.com/how"}, nil, http.StatusFound, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, r := newPod(t, "a"), start(t)
			r.publish(certified(p, &c.asks))
			v := r.visitor(host)
			if c.shows != nil { // whatever CAs the server names
				v.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.shows.tls, nil }
			}
			answer, body := v.ask(host, "Ssl-Client-Verify: SUCCESS", "SSL_CLIENT_SUBJECT_DN: CN=root")
			if answer.StatusCode != c.status {
				t.Errorf("%d %q", answer.StatusCode, body)
			}
			if c.status == http.StatusFound && answer.Header.Get("Location") != c.asks.ErrorPage {
				t.Errorf("sent to %q", answer.Header.Get("Location"))
			}
			if c.status == yes {
				told := (<-p.last).Header
				if got := told.Get("Ssl-Client-Verify"); got != c.verify {
					t.Errorf("the endpoint is told %q", got)
				}
				if got := told.Get("Ssl-Client-Subject-Dn"); c.verify == "SUCCESS" && got != `CN=ann,O=Acme\, Inc.` {
					t.Errorf("the endpoint is told %q", got)
				}
				if told["Ssl_client_subject_dn"] != nil {
					t.Error("the client's word passed")
				}
			}
			conn, answer, err := v.wss(host)
			switch {
			case c.status == yes && err != nil:
				t.Errorf("the socket: %v", err)
			case c.status == yes:
				if got := (&socket{conn, t, answer}).say("x"); got != "a: x" {
					t.Errorf("heard %q", got)
				}
			case answer == nil || answer.StatusCode == http.StatusSwitchingProtocols || answer.StatusCode == http.StatusFound:
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

func TestTheEndpointGetsTheCertificate(t *testing.T) {
	root, p, r := newAuthority(t, "root"), newPod(t, "a"), start(t)
	r.publish(certified(p, &model.ClientCert{CAs: root.pem(), PassToEndpoint: true}))
	ann := root.client("ann")
	r.visitor(host, ann).ask(host)
	told := (<-p.last).Header
	got, err := url.PathUnescape(told.Get("Ssl-Client-Cert"))
	if err != nil || got != certPEM(ann.cert) {
		t.Errorf("%q, %v", got, err)
	}
	if got := told.Get("Ssl-Client-Issuer-Dn"); got != "CN=root" {
		t.Errorf("issued by %q", got)
	}
}

// Nobody is asked for a certificate who doesn't need one: browsers show a dialogue for it.
func TestOnlyHostsThatWantCertificatesAskForThem(t *testing.T) {
	root, p, r := newAuthority(t, "root"), newPod(t, "a"), start(t)
	config := certified(p, &model.ClientCert{CAs: root.pem()})
	open := config.Routes[0]
	open.ID, open.Access, open.Matches = "open", model.Access{}, []model.Match{{Host: "open.example.com", Path: model.PathMatch{Value: "/"}}}
	wild := config.Routes[0]
	wild.ID, wild.Matches = "wild", []model.Match{{Host: "*.wild.example.com", Path: model.PathMatch{Value: "/"}}}
	config.Routes = append(config.Routes, open, wild)
	r.publish(config)
	for name, want := range map[string]bool{host: true, "open.example.com": false, "a.wild.example.com": true, "a.b.wild.example.com": false, "": false, "unknown.example.com": false} {
		asked := false
		v := r.visitor(name)
		v.config.GetClientCertificate = func(q *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			if len(q.AcceptableCAs) != 1 {
				t.Errorf("%q names %d CAs", name, len(q.AcceptableCAs))
			}
			return new(tls.Certificate), nil
		}
		_ = v.connect().Handshake()
		if asked != want {
			t.Errorf("%q: asked: %t, want %t", name, asked, want)
		}
	}
}

// A connection made for one name must not carry requests for another that asks for more.
func TestTheHostMustBeTheNameOfTheHandshake(t *testing.T) {
	root, p, r := newAuthority(t, "root"), newPod(t, "a"), start(t)
	config := certified(p, &model.ClientCert{CAs: root.pem(), Mode: model.OptionalCert})
	for _, name := range []string{"open.example.com", "free.example.com", "new.example.com"} {
		route := config.Routes[0]
		route.ID, route.Access, route.Matches = name, model.Access{}, []model.Match{{Host: name, Path: model.PathMatch{Value: "/"}}}
		if name == "new.example.com" {
			route.MinTLS = tls.VersionTLS13
		}
		config.Routes = append(config.Routes, route)
	}
	r.publish(config)
	const yes, no = http.StatusOK, http.StatusMisdirectedRequest
	for _, c := range []struct {
		sni, host string
		want      int
	}{
		{host, host, yes},
		{host, host + ":8443", yes},
		{host, "CHAT.example.com.", yes},
		{"open.example.com", "free.example.com", yes},
		{"", "free.example.com", yes},
		{"open.example.com", host, no},
		{"", host, no},
		{host, "open.example.com", no},
		{"open.example.com", "new.example.com", no},
		{"new.example.com", "open.example.com", no},
		{"new.example.com", "new.example.com", yes},
		{host, "unknown.example.com", no},
		{"open.example.com", "unknown.example.com", http.StatusNotFound},
	} {
		answer, body := r.visitor(c.sni, root.client("ann")).ask(c.host)
		if answer.StatusCode != c.want || c.want == no && !strings.HasPrefix(body, string(model.Misdirected)) {
			t.Errorf("%q over a connection for %q: %d %q, want %d", c.host, c.sni, answer.StatusCode, body, c.want)
		}
	}
	// The rule holds for sockets too.
	if _, answer, err := r.visitor("open.example.com").wss(host); err == nil || answer == nil || answer.StatusCode != no {
		t.Errorf("the socket: %v", err)
	}
}

// Clients without a name to send, by an address, can be asked too.
func TestAnAddressIsItsOwnName(t *testing.T) {
	root, p, r := newAuthority(t, "root"), newPod(t, "a"), start(t)
	config := certified(p, &model.ClientCert{CAs: root.pem()})
	config.Routes[0].Matches[0].Host = ""
	r.publish(config)
	_, at, _ := r.Addrs()
	for _, c := range []struct {
		host string
		want int
	}{{at.String(), http.StatusOK}, {"[::1]:443", http.StatusOK}, {host, http.StatusMisdirectedRequest}} {
		if answer, body := r.visitor("", root.client("ann")).ask(c.host); answer.StatusCode != c.want {
			t.Errorf("%s: %d %q", c.host, answer.StatusCode, body)
		}
	}
}

// A socket's client comes back with a ticket: it is still who it was, here and nowhere else.
func TestAResumedSessionIsStillThatClients(t *testing.T) {
	root, p, r := newAuthority(t, "root"), newPod(t, "a"), start(t)
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		t.Run(name, func(t *testing.T) {
			config := certified(p, &model.ClientCert{CAs: root.pem(), MatchCN: "^CN=ann$"})
			twin := config.Routes[0]
			twin.ID, twin.Matches = "twin", []model.Match{{Host: "twin.example.com", Path: model.PathMatch{Value: "/"}}}
			config.Routes = append(config.Routes, twin)
			r.publish(config)
			tickets := tls.NewLRUClientSessionCache(1)
			visit := func(name string, shows ...*pair) (status int, resumed bool) {
				v := r.visitor(name, shows...)
				v.config.MinVersion, v.config.MaxVersion = version, version
				v.config.ClientSessionCache = always{tickets}
				conn := v.connect()
				answer, _ := ask(t, conn, name)
				return answer.StatusCode, conn.ConnectionState().DidResume
			}
			if status, resumed := visit(host, root.client("ann")); status != http.StatusOK || resumed {
				t.Fatalf("first: %d, resumed: %t", status, resumed)
			}
			if status, resumed := visit(host); status != http.StatusOK || !resumed {
				t.Errorf("again: %d, resumed: %t", status, resumed)
			}
			if status, resumed := visit("twin.example.com"); status != http.StatusBadRequest || resumed {
				t.Errorf("elsewhere: %d, resumed: %t", status, resumed)
			}
			// It had no certificate there. Now it has: it is asked, and not taken for who it was.
			if status, resumed := visit("twin.example.com", root.client("ann")); status != http.StatusOK || resumed {
				t.Errorf("elsewhere, with one: %d, resumed: %t", status, resumed)
			}
			// The name that is wanted is no matter of the handshake, and counts at once.
			if status, _ := visit(host, root.client("ann")); status != http.StatusOK {
				t.Fatalf("back: %d", status)
			}
			r.publish(certified(p, &model.ClientCert{CAs: root.pem(), MatchCN: "^CN=bob$"}))
			if status, resumed := visit(host); status != http.StatusForbidden || !resumed {
				t.Errorf("another name is wanted: %d, resumed: %t", status, resumed)
			}
			// Another CA counts: who comes is asked anew.
			r.publish(certified(p, &model.ClientCert{CAs: newAuthority(t, "new").pem()}))
			if status, resumed := visit(host); status != http.StatusBadRequest || resumed {
				t.Errorf("another CA: %d, resumed: %t", status, resumed)
			}
			r.publish(certified(p, nil))
		})
	}
}

// always is a cache that has one ticket, whatever it is asked for.
type always struct{ tls.ClientSessionCache }

func (a always) Get(string) (*tls.ClientSessionState, bool) { return a.ClientSessionCache.Get("") }
func (a always) Put(_ string, s *tls.ClientSessionState)    { a.ClientSessionCache.Put("", s) }

// Certificates of the server, CAs of clients and TLS versions change. Sockets see nothing of it.
func TestNoRotationTouchesASocket(t *testing.T) {
	p, r := newPod(t, "a"), start(t)
	pods, clients := newAuthority(t, "pods"), newAuthority(t, "clients")
	inner := newSecurePod(t, "inner", pods.server(host), nil)
	config := func(server *pair, clients, pods *authority) model.Config {
		cfg := certified(p, &model.ClientCert{CAs: clients.pem()})
		cfg.Backends = append(cfg.Backends, model.Backend{Key: "prod/inner:443", Endpoints: []model.Endpoint{{Address: inner.address()}}})
		second := cfg.Routes[0]
		second.ID, second.Access, second.Matches = "inner", model.Access{}, []model.Match{{Host: "inner.example.com", Path: model.PathMatch{Value: "/"}}}
		second.Backends = []model.BackendRef{{Backend: "prod/inner:443", Weight: 1, Scheme: model.Secure}}
		second.BackendTLS = model.BackendTLS{Verify: true, CAs: pods.pem(), ServerName: host}
		cfg.Routes = append(cfg.Routes, second)
		cfg.Certificates = []model.Certificate{server.served(t, "prod/chat-tls", host)}
		return cfg
	}
	r.publish(config(newAuthority(t, "web").server(host), clients, pods))
	open := func(name string, shows ...*pair) *socket {
		conn, answer, err := r.visitor(name, shows...).wss(name)
		if err != nil {
			t.Fatal(err)
		}
		return &socket{conn, t, answer}
	}
	sockets := []*socket{open(host, clients.client("ann")), open("inner.example.com")}
	other := newAuthority(t, "other")
	next := config(other.server(host), other, other)
	for i := range next.Routes {
		next.Routes[i].MinTLS = tls.VersionTLS13
	}
	r.publish(next)
	for i, want := range []string{"a: still", "inner: still"} {
		if got := sockets[i].say("still"); got != want {
			t.Errorf("heard %q", got)
		}
	}
	if _, _, err := r.visitor(host, clients.client("ann")).wss(host); err == nil {
		t.Error("a client of the old CA was let in")
	}
	if _, _, err := r.visitor("inner.example.com").wss("inner.example.com"); err == nil {
		t.Error("a pod of the old CA was believed")
	}
	if s := open(host, other.client("ann")); s.say("x") != "a: x" {
		t.Error("a client of the new CA was not let in")
	}
}

func TestTheOldestTLSIsThatOfTheHost(t *testing.T) {
	p := newPod(t, "a")
	r := start(t, func(o *proxy.Options) { o.MinTLS = tls.VersionTLS13 })
	config := certified(p, nil)
	for name, version := range map[string]uint16{"older.example.com": tls.VersionTLS12, "newer.example.com": tls.VersionTLS13} {
		route := config.Routes[0]
		route.ID, route.MinTLS, route.Matches = name, version, []model.Match{{Host: name, Path: model.PathMatch{Value: "/"}}}
		config.Routes = append(config.Routes, route)
	}
	r.publish(config)
	_, at, _ := r.Addrs()
	for name, want := range map[string]bool{host: false, "older.example.com": true, "newer.example.com": false, "": false} {
		conn, err := tls.Dial("tcp", at.String(), &tls.Config{InsecureSkipVerify: true, ServerName: name, MaxVersion: tls.VersionTLS12})
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != want {
			t.Errorf("%q with TLS 1.2: %v", name, err)
		}
	}
	// A rule counts for connections that are older than it.
	v := r.visitor("older.example.com")
	v.config.MaxVersion = tls.VersionTLS12
	conn := v.connect()
	if answer, _ := ask(t, conn, "older.example.com"); answer.StatusCode != http.StatusOK {
		t.Errorf("%d", answer.StatusCode)
	}
	for i := range config.Routes {
		config.Routes[i].MinTLS = tls.VersionTLS13
	}
	r.publish(config)
	if answer, _ := ask(t, conn, "older.example.com"); answer.StatusCode != http.StatusMisdirectedRequest || !answer.Close {
		t.Errorf("%d, closes: %t", answer.StatusCode, answer.Close)
	}
}

// A name without a certificate is shown one that nobody trusts, and the operator is told.
func TestANameWithoutACertificateIsTold(t *testing.T) {
	d := new(diary)
	r := start(t, logged(d))
	config := certified(newPod(t, "a"), nil)
	config.Certificates = []model.Certificate{newAuthority(t, "web").server("web.example.com").served(t, "prod/web-tls", "web.example.com")}
	r.publish(config)
	series := func() string {
		_, text := r.get("/metrics")
		var found []string
		for line := range strings.Lines(text) {
			if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "fairlead_certificate_expiry") {
				found = append(found, name)
			}
		}
		return strings.Join(found, " ")
	}
	const web, own = `fairlead_certificate_expiry_timestamp_seconds{certificate="prod/web-tls"}`, `fairlead_certificate_expiry_timestamp_seconds{certificate="self-signed"}`
	if got := series(); got != web {
		t.Errorf("metrics: %s", got)
	}
	for range 3 {
		if got := r.visitor(host).connect().ConnectionState().PeerCertificates[0].Subject.CommonName; got != "Fairlead Default Certificate" {
			t.Errorf("shown %q", got)
		}
	}
	if got := strings.Count(d.String(), "self-signed"); got != 1 {
		t.Errorf("told %d times", got)
	}
	if got := series(); got != web+" "+own {
		t.Errorf("metrics: %s", got)
	}
	config.Certificates = nil
	r.publish(config)
	if got := series(); got != own {
		t.Errorf("metrics when the Secret is gone: %s", got)
	}
}
