package feature

import (
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

// ca is an authority that issues certificates.
type ca struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	own  *ca // who issued it; nil: itself
}

func newCA(t *testing.T, name string) *ca { return (&ca{t: t}).under(nil, name) }

// under makes an authority below another one.
func (c *ca) under(parent *ca, name string) *ca {
	next := &ca{t: c.t, own: parent, key: newKey(c.t)}
	next.cert = next.sign(parent, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, &next.key.PublicKey)
	return next
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (c *ca) sign(by *ca, template *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	c.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, c.key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, signer)
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

// issue makes a certificate of that common name, for servers of the hosts and for clients.
func (c *ca) issue(name string, hosts ...string) tls.Certificate {
	c.t.Helper()
	key := newKey(c.t)
	cert := c.sign(c, &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Harbour"}}, DNSNames: hosts,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey)
	pair := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for above := c; above.own != nil; above = above.own {
		pair.Certificate = append(pair.Certificate, above.cert.Raw)
	}
	return pair
}

// pem is the authority's own certificate.
func (c *ca) pem() string { return certPEM(c.cert.Raw) }

func certPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// keyPEM is the private key of a pair.
func (c *ca) keyPEM(pair tls.Certificate) string {
	c.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
