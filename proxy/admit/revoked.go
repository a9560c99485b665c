package admit

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"

	"github.com/fairlead/fairlead/proxy/secure"
)

// revocations are lists of revoked certificates (RFC 5280 section 5). None revokes nothing; with any,
// every certificate below an authority must be on a list that is up to date, or rather not be on it, as
// with nginx's ssl_crl.
type revocations []*revocation

// revocation is one list.
type revocation struct {
	*x509.RevocationList
	serials map[string]struct{}
}

var (
	errRevoked = errors.New("certificate revoked")
	errNoList  = errors.New("unable to get certificate CRL")
)

func newRevocations(text string) (revocations, error) {
	lists, err := secure.RevocationLists(text)
	if err != nil {
		return nil, err
	}
	var all revocations
	for _, l := range lists {
		r := &revocation{l, make(map[string]struct{}, len(l.RevokedCertificateEntries))}
		for i := range l.RevokedCertificateEntries {
			r.serials[string(l.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
		}
		r.RevokedCertificateEntries = nil // there may be very many, and they are large
		all = append(all, r)
	}
	return all, nil
}

// judge returns why a chain, whose last certificate is trusted, is not to be relied upon, or else how
// long that is known.
func (all revocations) judge(chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	until = chain[0].NotAfter
	if len(all) == 0 {
		return until, nil
	}
	for i, c := range chain[:len(chain)-1] {
		found := false
		for _, r := range all {
			if !r.says(chain[i+1], now) {
				continue
			}
			if _, revoked := r.serials[string(c.SerialNumber.Bytes())]; revoked {
				return until, errRevoked
			}
			found = true
			if !r.NextUpdate.IsZero() && r.NextUpdate.Before(until) {
				until = r.NextUpdate
			}
		}
		if !found {
			return until, errNoList
		}
	}
	return until, nil
}

// says reports whether the list speaks for an issuer, now.
func (r *revocation) says(issuer *x509.Certificate, now time.Time) bool {
	return bytes.Equal(r.RawIssuer, issuer.RawSubject) && !now.Before(r.ThisUpdate) &&
		(r.NextUpdate.IsZero() || !now.After(r.NextUpdate)) && r.CheckSignatureFrom(issuer) == nil
}
