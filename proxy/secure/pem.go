package secure

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Certificates reads the certificates of a text in PEM (RFC 7468). Blocks of other kinds, such as
// the revocation lists that some bundles hold, are passed over; a certificate that can't be read is
// an error, and so is a text without any.
func Certificates(text string) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the CAs: %w", len(found)+1, err)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, errors.New("the CAs hold no certificate: is it PEM, with BEGIN CERTIFICATE?")
	}
	return found, nil
}
