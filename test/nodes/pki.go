package nodes

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// certificates is the folder with the keys of a cluster, and configs that with the kubeconfig files.
const (
	certificates = state + "/pki"
	configs      = state + "/config"
)

// authority vouches for everybody in the cluster.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// identity is who a certificate is for.
type identity struct {
	name      string // and of the files
	user      string // as RBAC has it
	groups    []string
	hosts     []string
	addresses []netip.Addr
}

// newAuthority makes an authority and writes its certificate, and the key pair for tokens of ServiceAccounts.
func newAuthority() (*authority, error) {
	if err := errors.Join(os.MkdirAll(certificates, 0o700), os.MkdirAll(configs, 0o700)); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "fairlead-nodes"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if a.certificate, err = a.sign(template, key.Public(), template); err != nil {
		return nil, err
	}
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(tokens.Public())
	if err != nil {
		return nil, err
	}
	return a, errors.Join(
		writePEM("ca.crt", "CERTIFICATE", a.certificate.Raw),
		writePEM("tokens.pub", "PUBLIC KEY", public),
		writeKey("tokens.key", tokens),
	)
}

// issue writes NAME.crt and NAME.key, for both ends of a connection.
func (a *authority) issue(who identity) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: who.user, Organization: who.groups},
		DNSNames: who.hosts, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, address := range who.addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(address.AsSlice()))
	}
	certificate, err := a.sign(template, key.Public(), a.certificate)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", who.name, err)
	}
	return errors.Join(writePEM(who.name+".crt", "CERTIFICATE", certificate.Raw), writeKey(who.name+".key", key))
}

func (a *authority) sign(template *x509.Certificate, public crypto.PublicKey, parent *x509.Certificate) (*x509.Certificate, error) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, err
	}
	// No test lasts longer.
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(7*24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// admit issues a certificate and writes the kubeconfig file with it, whose path it returns.
func (a *authority) admit(who identity) (string, error) {
	if err := a.issue(who); err != nil {
		return "", err
	}
	path := filepath.Join(configs, who.name+".kubeconfig")
	return path, writeFile(path, "kubeconfig", who.name)
}

func writeKey(name string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(name, "PRIVATE KEY", der)
}

func writePEM(name, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(certificates, name), text, 0o600)
}
