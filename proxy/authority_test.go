package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/test/pki"
)

// authority is a certificate authority in a story.
type authority struct {
	t *testing.T
	*pki.Authority
}

func newAuthority(t *testing.T, name string) *authority { return &authority{t, pki.New(t, name)} }

// below makes an authority that this one vouches for.
func (a *authority) below(name string) *authority { return &authority{a.t, a.Below(a.t, name)} }

// pem returns the authority's own certificate.
func (a *authority) pem() string { return certPEM(a.Cert) }

func certPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// pair is a certificate with its key.
type pair struct {
	pki.Pair
	cert  *x509.Certificate
	chain string // in PEM, the authorities below the root among it
	tls   tls.Certificate
}

// server vouches for a server of these names.
func (a *authority) server(names ...string) *pair {
	return a.issue(&x509.Certificate{DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}})
}

// client vouches for a client.
func (a *authority) client(name string) *pair {
	return a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: []string{"Acme, Inc."}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (a *authority) issue(asked *x509.Certificate) *pair {
	a.t.Helper()
	p := a.Issue(a.t, asked)
	return &pair{Pair: p, cert: p.Cert, chain: string(p.CertPEM()), tls: p.TLS()}
}

// expired is a time that has passed.
func expired(asked *x509.Certificate) *x509.Certificate {
	asked.NotBefore, asked.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	return asked
}

func (p *pair) keyPEM(t *testing.T) string { return string(p.KeyPEM(t)) }

// served is the pair as a route table has it.
func (p *pair) served(t *testing.T, name string, hosts ...string) model.Certificate {
	t.Helper()
	return model.Certificate{Name: name, Hosts: hosts, CertPEM: []byte(p.chain), KeyPEM: []byte(p.keyPEM(t))}
}
