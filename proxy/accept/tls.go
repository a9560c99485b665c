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

	"github.com/fairlead/fairlead/proxy/secure"
)

// FallbackName is the common name of the certificate for names that have none of their own: who
// sees it in a browser knows that the Secret is missing.
const FallbackName = "Fairlead Default Certificate"

// fallbackLife is how long a fallback certificate is valid.
const fallbackLife = 365 * 24 * time.Hour

// Names says what handshakes are like, by the name that the client asks for (RFC 6066 section 3), ""
// when it gave none. The funcs are asked in every handshake, so that a new table counts at once and
// live connections keep what they have.
type Names struct {
	// Certificate returns what a name is shown; nil: Fallback. An error ends the handshake.
	Certificate func(name string) (*tls.Certificate, error)
	// Fallback returns what is shown for a name without a certificate; nil: [NewFallback], once.
	Fallback func() (*tls.Certificate, error)
	// Terms returns what a handshake is like by a name; nil, func and result: as by all others.
	Terms func(name string) *secure.Terms
	// MinVersion is the lowest version of TLS for names without one in their Terms. 0: 1.2.
	MinVersion uint16
}

// TLSConfig returns the server side of TLS: HTTP/1.1 by ALPN, with tickets.
//
// A client that has a ticket resumes its session without seeing the certificate, provided that the
// ticket was got by the same name while it had the same certificate and asked clients for those of the
// same CAs. The certificate that the client showed then counts again.
func TLSConfig(n Names, tickets *Tickets) *tls.Config {
	if n.MinVersion == 0 {
		n.MinVersion = tls.VersionTLS12
	}
	if n.Fallback == nil {
		n.Fallback = sync.OnceValues(NewFallback)
	}
	config := &tls.Config{
		MinVersion: n.MinVersion,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return n.shown(hello.ServerName)
		},
		WrapSession: func(c tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
			now, err := n.identity(c.ServerName)
			if err != nil {
				return nil, err
			}
			return tickets.seal(session, c, now)
		},
		UnwrapSession: func(ticket []byte, c tls.ConnectionState) (*tls.SessionState, error) {
			now, err := n.identity(c.ServerName)
			if err != nil {
				return nil, err
			}
			return tickets.open(ticket, c, now)
		},
	}
	if n.Terms != nil {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if terms := n.Terms(hello.ServerName); terms != nil {
				return terms.Config(config), nil
			}
			return nil, nil // the config itself
		}
	}
	return config
}

// shown returns the certificate for a name.
func (n *Names) shown(name string) (*tls.Certificate, error) {
	certificate, err := n.Certificate(name)
	if err != nil || certificate != nil {
		return certificate, err
	}
	return n.Fallback()
}

// identity returns what the sessions of a name belong to, as things are now.
func (n *Names) identity(name string) (identity, error) {
	certificate, err := n.shown(name)
	if err != nil {
		return identity{}, err
	}
	now := identity{name: name, shown: certificate}
	if n.Terms != nil {
		now.terms = n.Terms(name)
	}
	return now, nil
}

// NewFallback makes a self-signed certificate for no name in particular.
func NewFallback() (*tls.Certificate, error) {
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
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("fallback certificate: read it: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
