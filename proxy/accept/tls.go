package accept

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// FallbackName is the common name of the certificate for names that have none of their own: who
// sees it in a browser knows that the Secret is missing.
const FallbackName = "Fairlead Default Certificate"

// fallbackLife is how long a fallback certificate is valid.
const fallbackLife = 365 * 24 * time.Hour

// TLSConfig returns the server side of TLS: 1.2 or newer, HTTP/1.1 by ALPN. For every handshake get
// is asked for the certificate of a name, "" when the client gave none, so that a new table counts at
// once and live connections keep theirs. When get returns nil without an error the client is shown a
// self-signed fallback, made once per config; an error of get ends the handshake.
//
// A client that has a ticket resumes its session without seeing the certificate, provided that the
// ticket was got by the same name while get returned the same certificate for it.
func TLSConfig(get func(name string) (*tls.Certificate, error), tickets *Tickets) *tls.Config {
	fallback := sync.OnceValues(newFallback)
	shown := func(name string) (*tls.Certificate, error) {
		certificate, err := get(name)
		if err != nil || certificate != nil {
			return certificate, err
		}
		return fallback()
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return shown(hello.ServerName)
		},
		WrapSession: func(c tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
			certificate, err := shown(c.ServerName)
			if err != nil {
				return nil, err
			}
			return tickets.seal(session, c, certificate)
		},
		UnwrapSession: func(ticket []byte, c tls.ConnectionState) (*tls.SessionState, error) {
			return tickets.open(ticket, c, shown)
		},
	}
}

// newFallback makes a self-signed certificate for no name in particular.
func newFallback() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("fallback certificate: make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("fallback certificate: draw a serial number: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: FallbackName},
		// Clients' clocks may be behind.
		NotBefore:   now.Add(-time.Hour),
		NotAfter:    now.Add(fallbackLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("fallback certificate: sign: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
