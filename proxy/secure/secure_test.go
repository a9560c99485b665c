package secure

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var somewhere = netip.MustParseAddrPort("10.0.0.1:443")

// selfSigned makes a certificate that is its own CA, in both forms.
func selfSigned(t testing.TB, names ...string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signedBy(t, key, names...)
}

func signedBy(t testing.TB, key crypto.Signer, names ...string) (tls.Certificate, string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// endpoint answers a byte with a byte over TLS, until the test ends.
func endpoint(t testing.TB, certificate tls.Certificate) netip.AddrPort {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func compiled(t testing.TB, says model.BackendTLS) *Endpoints {
	t.Helper()
	e, err := NewEndpoints(says)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *Endpoints) must(t testing.TB, at netip.AddrPort, host string) *Client {
	t.Helper()
	c, err := e.Client(at, host)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// visit connects, says a word, for tickets come behind the handshake, and reports whether a session
// was resumed.
func visit(t testing.TB, at netip.AddrPort, c *Client) bool {
	t.Helper()
	conn, err := tls.Dial("tcp", at.String(), c.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().DidResume
}

// Sockets come back in storms, and an endpoint has its private key to use for each: once is enough.
func TestTheNextConnectionToAnEndpointResumesTheSession(t *testing.T) {
	certificate, cas := selfSigned(t, "chat.example.com", "shop.example.com")
	first, second := endpoint(t, certificate), endpoint(t, certificate)
	for name, says := range map[string]model.BackendTLS{
		"unverified":           {},
		"verified":             {Verify: true, CAs: cas},
		"verified, not told":   {Verify: true, CAs: cas, NoSNI: true},
		"verified to a depth":  {Verify: true, CAs: cas, Depth: 1},
		"verified, by TLS 1.2": {Verify: true, CAs: cas, MaxVersion: tls.VersionTLS12},
	} {
		t.Run(name, func(t *testing.T) {
			e := compiled(t, says)
			for i, c := range []struct {
				at   netip.AddrPort
				host string
				want bool
			}{
				{first, "chat.example.com", false},
				{first, "chat.example.com:443", true},
				{second, "chat.example.com", false}, // its tickets are its own
				{first, "shop.example.com", false},
				{first, "CHAT.example.com", true},
				{second, "chat.example.com", true},
			} {
				if got := visit(t, c.at, e.must(t, c.at, c.host)); got != c.want {
					t.Errorf("visit %d: resumed: %t", i, got)
				}
			}
			if visit(t, first, compiled(t, says).must(t, first, "chat.example.com")) {
				t.Error("other settings resume the session")
			}
		})
	}
}

// There may be 100,000 connections to some thousand endpoints: they share what is made for them.
func TestConnectionsToOneEndpointShareTheConfiguration(t *testing.T) {
	e := compiled(t, model.BackendTLS{ServerName: "chat.internal"})
	c := e.must(t, somewhere, "a.example.com")
	if e.must(t, somewhere, "b.example.com") != c {
		t.Error("the name is given, and still every host has its own")
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Client(somewhere, "a.example.com") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if c.Config.ServerName != "chat.internal" {
		t.Errorf("names %q", c.Config.ServerName)
	}
}

// A wildcard lets clients choose the name: what is kept for them must have an end.
func TestNamesThatClientsChooseAreNotKeptForever(t *testing.T) {
	e := compiled(t, model.BackendTLS{})
	for i := range 3 * maxClients {
		e.must(t, somewhere, fmt.Sprintf("%d.example.com", i))
	}
	if len(e.clients) != maxClients {
		t.Errorf("%d are kept", len(e.clients))
	}
}

func TestPoolsKeepApartWhatIsNotTheSame(t *testing.T) {
	_, cas := selfSigned(t)
	pool := func(e *Endpoints, host string) uint64 { return e.must(t, somewhere, host).Pool }
	open, other := compiled(t, model.BackendTLS{}), compiled(t, model.BackendTLS{})
	if pool(open, "a") != pool(open, "b") {
		t.Error("nothing is verified, and the names don't share")
	}
	if pool(open, "a") == pool(other, "a") {
		t.Error("two settings share")
	}
	strict := compiled(t, model.BackendTLS{Verify: true, CAs: cas})
	if pool(strict, "a") == pool(strict, "b") || pool(strict, "a") == pool(open, "a") {
		t.Error("a name that is verified shares")
	}
	if pool(strict, "a") != pool(strict, "a:443") || pool(strict, "a") != pool(strict, "A") {
		t.Error("one name has two pools")
	}
}

func TestWhatCannotBeVerifiedIsNotDialled(t *testing.T) {
	for name, says := range map[string]model.BackendTLS{
		"no PEM":        {Verify: true, CAs: "certificates, honestly"},
		"torn":          {Verify: true, CAs: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
		"half a pair":   {CertPEM: "x"},
		"no version":    {MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12},
		"too old a top": {MaxVersion: tls.VersionTLS11},
	} {
		e, err := NewEndpoints(says)
		if err == nil || !strings.HasPrefix(err.Error(), "TLS to endpoints: ") {
			t.Errorf("%s: compiled with %v", name, err)
		}
		if c, refused := e.Client(somewhere, "a"); c != nil || refused == nil {
			t.Errorf("%s: it would be dialled", name)
		}
	}
	_, cas := selfSigned(t)
	if c, err := compiled(t, model.BackendTLS{Verify: true, CAs: cas}).Client(somewhere, ""); c != nil || err == nil {
		t.Error("a certificate would be verified for no name at all")
	}
}

func TestBundlesMayHoldMoreThanCertificates(t *testing.T) {
	_, one := selfSigned(t)
	_, two := selfSigned(t)
	text := "# our CAs\n" + one + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" + two
	if found, err := Certificates(text); err != nil || len(found) != 2 {
		t.Errorf("%d certificates, %v", len(found), err)
	}
}

// Replicas open each other's tickets, so they must agree on what was asked for.
func TestTermsThatAskTheSameHaveTheSameMark(t *testing.T) {
	mark := func(cas ...string) [32]byte { return NewTerms(0, cas).Mark }
	if mark("a", "b") != mark("b", "a", "b") {
		t.Error("the order counts")
	}
	if mark("a", "b") == mark("ab") || mark() == mark("") || mark("a") == mark("b") {
		t.Error("others have the same")
	}
	if NewTerms(tls.VersionTLS13, []string{"a"}).Mark != mark("a") {
		t.Error("the version is in it: it is no matter of tickets")
	}
}

func TestTermsMakeOneConfigurationOfABase(t *testing.T) {
	_, cas := selfSigned(t)
	base := &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }}
	terms := NewTerms(tls.VersionTLS13, []string{cas})
	c := terms.Config(base)
	if c.MinVersion != tls.VersionTLS13 || c.ClientAuth != tls.RequestClientCert || c.ClientCAs == nil || c.GetConfigForClient != nil {
		t.Errorf("%+v", c)
	}
	if terms.Config(base) != c || terms.Config(base.Clone()) == c {
		t.Error("configurations don't belong to their base")
	}
	if NewTerms(0, []string{cas, ""}).Config(base).ClientCAs != nil {
		t.Error("somebody takes any certificate, and some are asked for only")
	}
	if c := NewTerms(tls.VersionTLS13, nil).Config(base); c.ClientAuth != tls.NoClientCert {
		t.Error("a certificate is asked for")
	}
}

// BenchmarkHandshake is what a connection to an endpoint costs, both ends together.
func BenchmarkHandshake(b *testing.B) {
	small, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"P-256": small, "RSA-2048": large} {
		certificate, cas := signedBy(b, key, "chat.example.com")
		at := endpoint(b, certificate)
		resuming := compiled(b, model.BackendTLS{Verify: true, CAs: cas}).must(b, at, "chat.example.com").Config
		full := resuming.Clone()
		full.ClientSessionCache = nil
		for way, config := range map[string]*tls.Config{"full": full, "resumed": resuming} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					visit(b, at, &Client{Config: config})
				}
			})
		}
	}
}
