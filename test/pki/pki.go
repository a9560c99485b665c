package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Authority issues certificates: a root, or one that another authority vouches for.
type Authority struct {
	Pair
	above *Authority // nil: a root
}

// New makes a root.
func New(t testing.TB, name string) *Authority { return (*Authority)(nil).Below(t, name) }

// Below makes an authority that a vouches for; nil vouches for nobody, which makes a root.
func (a *Authority) Below(t testing.TB, name string) *Authority {
	t.Helper()
	return &Authority{above: a, Pair: a.Issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})}
}

// Issue issues a certificate with a new key, for servers and clients. What the template leaves out is filled
// in: a serial number, and a life from an hour ago until an hour from now. nil signs by the new key.
func (a *Authority) Issue(t testing.TB, template *x509.Certificate) Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber == nil {
		if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
			t.Fatal(err)
		}
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	parent, signer := template, crypto.Signer(key)
	if a != nil {
		parent, signer = a.Cert, a.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	p := Pair{Key: key, Chain: [][]byte{der}}
	if p.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	for ; a != nil && a.above != nil; a = a.above {
		p.Chain = append(p.Chain, a.Cert.Raw)
	}
	return p
}

// For issues a certificate with a common name, for servers of the hosts and for clients.
func (a *Authority) For(t testing.TB, name string, hosts ...string) Pair {
	t.Helper()
	return a.Issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// Pool returns a pool with the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// Pair is a certificate and its key.
type Pair struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	// Chain is the certificate and those of the authorities up to the one below the root, in DER.
	Chain [][]byte
}

// SelfSigned makes a pair for servers of the hosts that nobody vouches for.
func SelfSigned(t testing.TB, hosts ...string) Pair {
	t.Helper()
	return (*Authority)(nil).Issue(t, &x509.Certificate{DNSNames: hosts})
}

// TLS returns the pair as package crypto/tls has it.
func (p Pair) TLS() tls.Certificate {
	return tls.Certificate{Certificate: p.Chain, PrivateKey: p.Key, Leaf: p.Cert}
}

// CertPEM returns the chain in PEM.
func (p Pair) CertPEM() []byte {
	var text []byte
	for _, der := range p.Chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// KeyPEM returns the key in PEM (PKCS #8).
func (p Pair) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
