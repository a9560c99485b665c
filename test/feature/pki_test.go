package feature

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"

	"github.com/fairlead/fairlead/test/pki"
)

// ca is an authority in a story.
type ca struct {
	t *testing.T
	*pki.Authority
}

func newCA(t *testing.T, name string) *ca { return &ca{t, pki.New(t, name)} }

// below makes an authority that c vouches for.
func (c *ca) below(name string) *ca { return &ca{c.t, c.Below(c.t, name)} }

// issue makes a certificate of that common name, for servers of the hosts and for clients.
func (c *ca) issue(name string, hosts ...string) tls.Certificate {
	return c.Issue(c.t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Harbour"}}, DNSNames: hosts,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}).TLS()
}

// pem is the authority's own certificate.
func (c *ca) pem() string { return certPEM(c.Cert.Raw) }

func certPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// keyPEM is the private key of a pair.
func (c *ca) keyPEM(pair tls.Certificate) string {
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}
