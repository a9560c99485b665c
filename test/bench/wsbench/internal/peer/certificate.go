//go:build linux

package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Certificate is a certificate and its key, in PEM and in files.
type Certificate struct {
	Chain, Key         string
	ChainFile, KeyFile string
	BothFile           string // chain and key, as HAProxy wants them
}

// NewCertificate signs a certificate for host by itself, with ECDSA over P-256 as most are today.
func NewCertificate(folder, host string) (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, err
	}
	c := Certificate{
		Chain:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		ChainFile: filepath.Join(folder, "tls.crt"), KeyFile: filepath.Join(folder, "tls.key"), BothFile: filepath.Join(folder, "tls.pem"),
	}
	for name, content := range map[string]string{c.ChainFile: c.Chain, c.KeyFile: c.Key, c.BothFile: c.Chain + c.Key} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return Certificate{}, err
		}
	}
	return c, nil
}
