package accept

import (
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/secure"
)

var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// host is a server of a few names that can be told other keys and certificates while it serves.
type host struct {
	Tickets
	address string
	shows   sync.Map // a name's certificate
	terms   atomic.Pointer[secure.Terms]
}

func newHost(t *testing.T, shows map[string]*tls.Certificate) *host {
	t.Helper()
	h := new(host)
	for name, certificate := range shows {
		h.shows.Store(name, certificate)
	}
	listener := listen(t, "127.0.0.1:0")
	h.address = listener.Addr().String()
	echo(t, tls.NewListener(listener, TLSConfig(Names{Certificate: func(name string) (*tls.Certificate, error) {
		if found, ok := h.shows.Load(name); ok {
			return found.(*tls.Certificate), nil
		}
		return nil, nil
	}, Terms: func(string) *secure.Terms { return h.terms.Load() }}, &h.Tickets)))
	return h
}

// visitor is a client that keeps the last ticket it was given and shows it to whomever it visits.
type visitor struct {
	t       *testing.T
	version uint16
	shows   *tls.Certificate // nil: nothing
	last    atomic.Pointer[tls.ClientSessionState]
}

func (v *visitor) Get(string) (*tls.ClientSessionState, bool) {
	ticket := v.last.Load()
	return ticket, ticket != nil
}

func (v *visitor) Put(_ string, ticket *tls.ClientSessionState) {
	if ticket != nil {
		v.last.Store(ticket)
	}
}

// visit dials a server by name, and reports whether the session was resumed.
func (v *visitor) visit(h *host, name string) bool {
	v.t.Helper()
	conn, err := tls.Dial("tcp", h.address, &tls.Config{
		ServerName: name, InsecureSkipVerify: true, MinVersion: v.version, MaxVersion: v.version, ClientSessionCache: v,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if v.shows == nil {
				return new(tls.Certificate), nil
			}
			return v.shows, nil
		},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	say(v.t, conn, "hello, "+name) // TLS 1.3 gives the ticket after the handshake
	return conn.ConnectionState().DidResume
}

// with returns a visitor that has the ticket of another and gets no other in its place.
func (v *visitor) with() *visitor {
	again := &visitor{t: v.t, version: v.version, shows: v.shows}
	again.last.Store(v.last.Load())
	return again
}

func key(b byte) [32]byte { return [32]byte(slices.Repeat([]byte{b}, 32)) }

// Two replicas, a client that was at the first and comes back to the second.
func TestTicketsAreGoodWhereTheKeysAreShared(t *testing.T) {
	const name = "chat.example.com"
	for title, version := range versions {
		t.Run(title, func(t *testing.T) {
			shows := map[string]*tls.Certificate{name: named(t, "chat")}
			first, second, stranger := newHost(t, shows), newHost(t, shows), newHost(t, shows)
			for _, h := range []*host{first, second} {
				h.SetKeys([][32]byte{key(1)})
			}
			stranger.SetKeys([][32]byte{key(9)})

			client := &visitor{t: t, version: version}
			if client.visit(first, name) {
				t.Fatal("a stranger's session was resumed")
			}
			if !client.with().visit(first, name) || !client.with().visit(second, name) {
				t.Error("a ticket is not good at both")
			}
			if client.with().visit(stranger, name) || client.with().visit(newHost(t, shows), name) {
				t.Error("a ticket is good where the key is not known")
			}

			// The next key is known everywhere before the first replica uses it.
			second.SetKeys([][32]byte{key(1), key(2)})
			first.SetKeys([][32]byte{key(2), key(1)})
			if !client.with().visit(first, name) {
				t.Error("a rotation killed the tickets before it")
			}
			fresh := &visitor{t: t, version: version}
			fresh.visit(first, name)
			if !fresh.with().visit(second, name) {
				t.Error("a replica that is late with the rotation refuses tickets of one that is not")
			}

			second.SetKeys([][32]byte{key(3), key(2)})
			if client.with().visit(second, name) {
				t.Error("a ticket outlived its key")
			}
			if !fresh.with().visit(second, name) {
				t.Error("a ticket died before its key")
			}
		})
	}
}

// Whoever reads the shared keys could write a ticket that says whose certificate was seen. So tickets
// of such sessions are made with keys that nobody else has, and good at their replica only.
func TestNobodyElseCanSayWhichCertificateAClientHas(t *testing.T) {
	const name = "chat.example.com"
	for title, version := range versions {
		t.Run(title, func(t *testing.T) {
			shows := map[string]*tls.Certificate{name: named(t, "chat")}
			first, second := newHost(t, shows), newHost(t, shows)
			asks := secure.NewTerms(0, []string{""})
			for _, h := range []*host{first, second} {
				h.SetKeys([][32]byte{key(1)})
				h.terms.Store(asks)
			}
			client := &visitor{t: t, version: version, shows: named(t, "ann")}
			client.visit(first, name)
			if !client.with().visit(first, name) || client.with().visit(second, name) {
				t.Error("the ticket is not good there, or elsewhere too")
			}
			client.visit(first, name)

			first.terms.Store(secure.NewTerms(0, []string{"other"}))
			if client.with().visit(first, name) {
				t.Error("others are asked for, and it still is a client of before")
			}
			first.terms.Store(nil)
			if client.with().visit(first, name) {
				t.Error("nobody is asked any more, and a certificate counts")
			}

			// A client that had no certificate may have found it: it is asked again.
			first.terms.Store(asks)
			without := &visitor{t: t, version: version}
			without.visit(first, name)
			if without.with().visit(first, name) {
				t.Error("it was not asked again")
			}
			// Nor does a ticket from before the question get around it.
			before := &visitor{t: t, version: version}
			before.visit(second, name)
			second.terms.Store(nil)
			before.visit(second, name)
			second.terms.Store(asks)
			if before.with().visit(second, name) {
				t.Error("it was not asked at all")
			}
		})
	}
}

// Keys may change while connections come in: none fails for it, and none that stands is cut.
func TestKeysChangeWhileClientsComeIn(t *testing.T) {
	const name = "chat.example.com"
	h := newHost(t, map[string]*tls.Certificate{name: named(t, "chat")})
	stands, err := dialTLS(t, h.address, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := byte(0); ; i++ {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				h.SetKeys([][32]byte{key(i), key(i - 1)})
			}
		}
	})
	client := &visitor{t: t}
	for range 50 {
		client.visit(h, name)
	}
	close(done)
	changing.Wait()
	say(t, stands, "still here")
}

// Without shared keys a server resumes what it has sealed itself, before and after it had others.
func TestAServerWithoutSharedKeysResumesItsOwn(t *testing.T) {
	const name = "chat.example.com"
	h := newHost(t, map[string]*tls.Certificate{name: named(t, "chat")})
	client := &visitor{t: t}
	client.visit(h, name)
	if !client.with().visit(h, name) {
		t.Error("not with its own key")
	}
	h.SetKeys([][32]byte{key(1)})
	shared := &visitor{t: t}
	shared.visit(h, name)
	h.SetKeys(nil)
	if shared.with().visit(h, name) {
		t.Error("a shared key is still good after it was taken away")
	}
	alone := &visitor{t: t}
	alone.visit(h, name)
	if !alone.with().visit(h, name) {
		t.Error("not with its own key, after the shared one was taken away")
	}
}

// What a ticket vouches for is one name with one certificate.
func TestATicketIsGoodForItsNameAndCertificateAlone(t *testing.T) {
	for title, version := range versions {
		t.Run(title, func(t *testing.T) {
			both := named(t, "both")
			h := newHost(t, map[string]*tls.Certificate{"a.example.com": both, "b.example.com": both})
			client := &visitor{t: t, version: version}
			client.visit(h, "a.example.com")
			for _, other := range []string{"b.example.com", "unknown.example.com", ""} {
				if client.with().visit(h, other) {
					t.Errorf("a ticket of a.example.com is good for %q", other)
				}
			}
			if !client.with().visit(h, "a.example.com") {
				t.Fatal("not even for its own name")
			}

			h.shows.Store("a.example.com", named(t, "renewed"))
			if client.with().visit(h, "a.example.com") {
				t.Error("a ticket outlived the certificate that its client has seen")
			}
			h.shows.Delete("a.example.com")
			if client.with().visit(h, "a.example.com") {
				t.Error("a ticket stands in for a certificate that is gone")
			}
			nameless := &visitor{t: t, version: version}
			nameless.visit(h, "")
			if !nameless.with().visit(h, "") {
				t.Error("a client without a name can't come back")
			}
		})
	}
}

// A ticket that was cut, bent or made up costs its client a full handshake and nothing else.
func TestABrokenTicketCostsAFullHandshake(t *testing.T) {
	const name = "chat.example.com"
	for title, version := range versions {
		t.Run(title, func(t *testing.T) {
			h := newHost(t, map[string]*tls.Certificate{name: named(t, "chat")})
			client := &visitor{t: t, version: version}
			client.visit(h, name)
			ticket, session, err := client.last.Load().ResumptionState()
			if err != nil {
				t.Fatal(err)
			}
			bent := slices.Clone(ticket)
			bent[len(bent)/2] ^= 1
			for what, wrong := range map[string][]byte{"cut": ticket[:20], "bent": bent, "made up": []byte("let me in")} {
				state, err := tls.NewResumptionState(wrong, session)
				if err != nil {
					t.Fatal(err)
				}
				liar := &visitor{t: t, version: version}
				liar.last.Store(state)
				if liar.visit(h, name) {
					t.Errorf("a ticket that is %s was taken", what)
				}
			}
		})
	}
}

// BenchmarkHandshake shows what a ticket saves, client and server together.
func BenchmarkHandshake(b *testing.B) {
	const name = "chat.example.com"
	certificate := named(b, "chat")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	echo(b, tls.NewListener(listener, TLSConfig(Names{Certificate: func(string) (*tls.Certificate, error) { return certificate, nil }}, new(Tickets))))
	for _, c := range []struct {
		title string
		cache tls.ClientSessionCache
	}{{"full", nil}, {"resumed", tls.NewLRUClientSessionCache(1)}} {
		b.Run(c.title, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{ServerName: name, InsecureSkipVerify: true, ClientSessionCache: c.cache})
				if err != nil {
					b.Fatal(err)
				}
				say(b, conn, "hello")
				_ = conn.Close()
			}
		})
	}
}
