package probe

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// certFault is one thing that is wrong with a certificate.
type certFault struct {
	finding Finding
	text    string
}

// standIns are the names of certificates that controllers show when they have none for a name, in
// lower case.
var standIns = map[string]string{
	"kubernetes ingress controller fake certificate": "ingress-nginx",
	"traefik default cert":                           "Traefik",
	"fairlead default certificate":                   "Fairlead",
	"nginxingresscontroller":                         "NGINX Ingress Controller (F5)",
	"cloudflare origin certificate":                  "Cloudflare's origin CA",
}

// standIn returns who shows the certificate for want of another one, "" for an ordinary one.
func standIn(leaf *x509.Certificate) string {
	if by, ok := standIns[strings.ToLower(leaf.Subject.CommonName)]; ok {
		return by
	}
	return ""
}

// judge returns what is wrong with a chain, what explains most first. All faults are told, because
// whoever mends one wants to know of the next.
func judge(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) []certFault {
	if len(chain) == 0 {
		return []certFault{{CertNotAccepted, "the server sent no certificate"}}
	}
	leaf := chain[0]
	var faults []certFault
	// The chain is judged at a time at which the leaf is valid, so that both can be told.
	at := now
	if at.After(leaf.NotAfter) || at.Before(leaf.NotBefore) {
		at = leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
	}
	untrusted := judgeChain(chain, roots, at)
	if by := standIn(leaf); by != "" && untrusted != nil {
		faults = append(faults, certFault{CertDefault, fmt.Sprintf("it is the stand-in certificate of %s", by)})
	}
	if err := leaf.VerifyHostname(host); err != nil {
		faults = append(faults, certFault{CertWrongName, fmt.Sprintf("it is not for %s but for %s", host, names(leaf))})
	}
	switch {
	case now.After(leaf.NotAfter):
		faults = append(faults, certFault{CertExpired, fmt.Sprintf("it expired on %s", leaf.NotAfter.UTC().Format(time.DateTime))})
	case now.Before(leaf.NotBefore):
		faults = append(faults, certFault{CertExpired, fmt.Sprintf("it is not valid before %s", leaf.NotBefore.UTC().Format(time.DateTime))})
	}
	if untrusted != nil {
		faults = append(faults, *untrusted)
	}
	return faults
}

// judgeChain says why a chain does not lead to a trusted authority, nil when it does.
func judgeChain(chain []*x509.Certificate, roots *x509.CertPool, at time.Time) *certFault {
	leaf, above := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		above.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: above, CurrentTime: at})
	if err == nil {
		return nil
	}
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	top := chain[len(chain)-1]
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && invalid.Cert != leaf:
		return &certFault{CertExpired, fmt.Sprintf("the certificate above it, %s, expired on %s",
			name(invalid.Cert.Subject.CommonName, invalid.Cert.Subject.String()), invalid.Cert.NotAfter.UTC().Format(time.DateTime))}
	case !errors.As(err, &unknown):
		return &certFault{CertNotAccepted, printable(err.Error())}
	case len(chain) == 1 && selfSigned(leaf):
		return &certFault{CertSelfSigned, "it is self-signed: nobody but itself vouches for it"}
	case !selfSigned(top) && len(top.IssuingCertificateURL) > 0:
		// Public authorities say where their certificate is to be had; private ones seldom do.
		return &certFault{CertIncomplete, fmt.Sprintf("the chain is incomplete: the certificate of %s is missing, which is to be had from %s",
			name(top.Issuer.CommonName, top.Issuer.String()), printable(top.IssuingCertificateURL[0]))}
	}
	return &certFault{CertUnknownCA, fmt.Sprintf("%s is no authority that is trusted here", name(top.Issuer.CommonName, top.Issuer.String()))}
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && (c.CheckSignatureFrom(c) == nil || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil)
}

// tooDeep reports whether a wildcard fits but for a label too many: it stands for exactly one.
func tooDeep(leaf *x509.Certificate, host string) bool {
	if net.ParseIP(host) != nil {
		return false
	}
	for _, pattern := range leaf.DNSNames {
		if base, ok := strings.CutPrefix(pattern, "*"); ok && strings.HasSuffix(host, base) {
			return true
		}
	}
	return false
}
