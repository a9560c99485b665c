package translate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"

	"github.com/fairlead/fairlead/proxy/model"
)

// KeyPairs remembers key pairs from one Build to the next: to parse a thousand RSA keys takes many
// times as long as all the rest. It changes no result. The zero value is ready; it is for one Build
// at a time.
type KeyPairs struct {
	before, now map[[sha256.Size]byte]parsedPair
}

type parsedPair struct {
	leaf *x509.Certificate
	err  error
}

// begin forgets what the Build before the last one used.
func (k *KeyPairs) begin() {
	k.before, k.now = k.now, make(map[[sha256.Size]byte]parsedPair, len(k.now))
}

// parse returns the certificate of a pair in PEM, or why it is none. It is the code that serves it.
func (k *KeyPairs) parse(cert, key []byte) (*x509.Certificate, error) {
	content := model.Certificate{CertPEM: cert, KeyPEM: key}.Fingerprint()
	pair, known := k.before[content]
	if !known {
		parsed, err := tls.X509KeyPair(cert, key)
		pair = parsedPair{parsed.Leaf, err}
	}
	k.now[content] = pair
	return pair.leaf, pair.err
}
