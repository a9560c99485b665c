package admit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// issuer signs certificates of clients.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := new(issuer)
	i.cert, i.key = i.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)})
	return i
}

func (i *issuer) issue(t testing.TB, asked *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	if asked.SerialNumber == nil {
		asked.SerialNumber = big.NewInt(1)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = asked, key
	}
	der, err := x509.CreateCertificate(rand.Reader, asked, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (i *issuer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

// client issues a certificate that is valid for so long.
func (i *issuer) client(t testing.TB, valid time.Duration) *x509.Certificate {
	t.Helper()
	c, _ := i.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ann"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid)})
	return c
}

func certifying(t testing.TB, says model.ClientCert) *clientCert {
	t.Helper()
	c, err := newClientCert(&says)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shows makes a request of a client that has shown these certificates.
func shows(certs ...*x509.Certificate) *Subject {
	r := httptest.NewRequest(http.MethodGet, "https://chat.example.com/", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: certs}
	return &Subject{Request: r}
}

// Verified once, a client is let in for as long as its certificate is valid, and no longer.
func TestWhatWasVerifiedIsRememberedUntilItExpires(t *testing.T) {
	ca := newIssuer(t)
	c, ann := certifying(t, model.ClientCert{CAs: ca.pem()}), ca.client(t, 30*time.Minute)
	for range 3 {
		if refusal := c.check(shows(ann)); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if len(c.vouched) != 1 {
		t.Errorf("%d are remembered", len(c.vouched))
	}
	sum := fingerprint([]*x509.Certificate{ann})
	if !c.remembers(sum, ann.NotAfter) || c.remembers(sum, ann.NotAfter.Add(time.Second)) {
		t.Error("it is not remembered until it expires")
	}
	for range 3 {
		if refusal := c.check(shows(newIssuer(t).client(t, time.Hour))); refusal == nil {
			t.Error("a stranger was let in")
		}
	}
	if len(c.vouched) != 1 {
		t.Errorf("%d are remembered: strangers could push clients out", len(c.vouched))
	}
	for n := range 3 * maxVouched {
		c.remember([32]byte{byte(n), byte(n >> 8)}, []*x509.Certificate{ann}, time.Now().Add(time.Hour))
	}
	if len(c.vouched) > maxVouched {
		t.Errorf("%d are remembered", len(c.vouched))
	}
}

func TestRefusalsOfCertificatesSayWhy(t *testing.T) {
	ca := newIssuer(t)
	early, _ := ca.issue(t, &x509.Certificate{NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)})
	server, _ := ca.issue(t, &x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	c := certifying(t, model.ClientCert{CAs: ca.pem()})
	for want, shown := range map[string]*Subject{
		"certificate has expired":                     shows(ca.client(t, -time.Minute)),
		"certificate is not yet valid":                shows(early),
		"unsuitable certificate purpose":              shows(server),
		"unable to get local issuer certificate":      shows(newIssuer(t).client(t, time.Hour)),
		"none was sent":                               shows(),
		"a client certificate is needed, and so TLS,": {Request: httptest.NewRequest(http.MethodGet, "/", nil), Secure: true}, // says a proxy in front
	} {
		refusal := c.check(shown)
		if refusal == nil || refusal.Reason != model.CertRequired || refusal.Status != http.StatusBadRequest || !strings.Contains(refusal.Detail, want) {
			t.Errorf("%v, want %q", refusal, want)
		}
		if shown.Told != nil {
			t.Error("the endpoint would be told of somebody who is refused")
		}
	}
}

func TestClientCertificatesThatCannotBeCompiled(t *testing.T) {
	ca := newIssuer(t)
	for want, says := range map[string]model.ClientCert{
		"no certificate": {}, "RE2": {CAs: ca.pem(), MatchCN: "(?=x)"}, "PEM": {CAs: "x", Mode: model.UnverifiedCert},
	} {
		if _, err := newClientCert(&says); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if c, err := newClientCert(nil); c != nil || err != nil || c.check(shows()) != nil {
		t.Error("nothing is asked, and something is")
	}
}

// As by nginx, the service that is asked about a client learns which certificate it has shown.
func TestTheServiceIsToldOfTheCertificate(t *testing.T) {
	ca := newIssuer(t)
	s := &service{answer: says(http.StatusOK)}
	route := model.Route{Protocols: model.HTTP, Matches: []model.Match{{Host: "chat.example.com"}}, Access: model.Access{
		ClientCert: &model.ClientCert{CAs: ca.pem()}, External: &model.ExternalAuth{URL: "http://auth.example/verify"},
	}}
	subject := visit(t, s, policy(t, route))
	subject.Request.TLS = shows(ca.client(t, time.Hour)).Request.TLS
	if refusal := Admit(subject); refusal != nil {
		t.Fatal(refusal)
	}
	for name, want := range map[string]string{"Ssl-Client-Verify": "SUCCESS", "Ssl-Client-Subject-Dn": "CN=ann"} {
		if got := s.asked[0].Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The endpoint reads names as it did behind nginx, and can trip over none.
func TestNamesAreWrittenAsRFC2253Does(t *testing.T) {
	oid := func(n ...int) asn1.ObjectIdentifier { return n }
	text := func(id asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: id, Value: value}
	}
	cn, o, dc := oid(2, 5, 4, 3), oid(2, 5, 4, 10), oid(0, 9, 2342, 19200300, 100, 1, 25)
	for want, name := range map[string]pkix.RDNSequence{
		"CN=ann,O=Acme,DC=example,DC=com": {{text(dc, "com")}, {text(dc, "example")}, {text(o, "Acme")}, {text(cn, "ann")}},
		"CN=a+O=b":                        {{text(cn, "a"), text(o, "b")}},
		`CN=Smith\, J\+K \"x\" \<y\>\;\\`: {{text(cn, `Smith, J+K "x" <y>;\`)}},
		`CN=\#1,CN=\ x\ ,CN=a b`:          {{text(cn, "a b")}, {text(cn, " x ")}, {text(cn, "#1")}},
		`CN=\0D\0AX-Admin: yes\00`:        {{text(cn, "\r\nX-Admin: yes\x00")}},
		`CN=J\C3\BCrgen`:                  {{text(cn, "Jürgen")}},
		"emailAddress=a@example.com":      {{text(oid(1, 2, 840, 113549, 1, 9, 1), "a@example.com")}},
		"1.2.3.4=#130178":                 {{text(oid(1, 2, 3, 4), "x")}},
		"":                                {},
	} {
		der, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := distinguishedName(der); got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	}
	if got := distinguishedName([]byte("x")); got != "" {
		t.Errorf("of nothing: %s", got)
	}
}

// BenchmarkClientCert is what a certificate adds to a request.
func BenchmarkClientCert(b *testing.B) {
	ca := newIssuer(b)
	ann := ca.client(b, time.Hour)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if refusal := certifying(b, model.ClientCert{CAs: ca.pem()}).check(shows(ann)); refusal != nil {
				b.Fatal(refusal)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		c := certifying(b, model.ClientCert{CAs: ca.pem()})
		b.ReportAllocs()
		for b.Loop() {
			if refusal := c.check(shows(ann)); refusal != nil {
				b.Fatal(refusal)
			}
		}
	})
}
