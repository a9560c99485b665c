package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// authority is a certificate authority: a root, or one below another.
type authority struct {
	t     *testing.T
	above *authority // nil: a root
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// below makes an authority that this one vouches for.
func (a *authority) below(name string) *authority {
	a.t.Helper()
	b := &authority{t: a.t, above: a}
	b.cert, b.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return b
}

// sign signs what is asked for, by itself when there is no authority yet.
func (a *authority) sign(asked *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if asked.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		a.t.Fatal(err)
	}
	if asked.NotAfter.IsZero() {
		asked.NotBefore, asked.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = asked, key
	}
	der, err := x509.CreateCertificate(rand.Reader, asked, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// pem returns the authority's own certificate.
func (a *authority) pem() string { return certPEM(a.cert) }

func certPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// pair is a certificate with its key.
type pair struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	chain string // in PEM, the authorities below the root among it
	tls   tls.Certificate
}

// server vouches for a server of these names.
func (a *authority) server(names ...string) *pair {
	a.t.Helper()
	return a.issue(&x509.Certificate{DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}})
}

// client vouches for a client.
func (a *authority) client(name string) *pair {
	a.t.Helper()
	return a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: []string{"Acme, Inc."}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (a *authority) issue(asked *x509.Certificate) *pair {
	a.t.Helper()
	cert, key := a.sign(asked)
	p := &pair{cert: cert, key: key, chain: certPEM(cert), tls: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	for by := a; by.above != nil; by = by.above {
		p.chain += by.pem()
		p.tls.Certificate = append(p.tls.Certificate, by.cert.Raw)
	}
	return p
}

// expired is a time that has passed.
func expired(asked *x509.Certificate) *x509.Certificate {
	asked.NotBefore, asked.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	return asked
}

func (p *pair) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// served is the pair as a route table has it.
func (p *pair) served(t *testing.T, name string, hosts ...string) model.Certificate {
	t.Helper()
	return model.Certificate{Name: name, Hosts: hosts, CertPEM: []byte(p.chain), KeyPEM: []byte(p.keyPEM(t))}
}
