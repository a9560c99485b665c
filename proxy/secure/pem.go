package secure

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Certificates reads the certificates of a text in PEM (RFC 7468). Blocks of other kinds, such as
// revocation lists, are passed over; a certificate that can't be read is
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

// RevocationLists reads the revocation lists (RFC 5280 section 5) of a text in PEM, none or more. Blocks
// of other kinds are passed over; a list that can't be read is an error.
func RevocationLists(text string) ([]*x509.RevocationList, error) {
	var found []*x509.RevocationList
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return found, nil
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", len(found)+1, err)
		}
		found = append(found, list)
	}
}
