package admit

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
)

// The headers that tell an endpoint about the client's certificate. Clients can't send them: package
// handshake lets none pass that begins like these.
const (
	headerCertVerify  = "Ssl-Client-Verify"
	headerCertSubject = "Ssl-Client-Subject-Dn"
	headerCertIssuer  = "Ssl-Client-Issuer-Dn"
	headerCert        = "Ssl-Client-Cert"
)

// maxVouched bounds the certificates that one route remembers as good.
const maxVouched = 1024

// clientCert judges the certificates of clients. nil asks for none.
type clientCert struct {
	says  *model.ClientCert
	roots *x509.CertPool
	lists revocations
	depth int
	name  *regexp.Regexp // nil: any

	// A signature takes 50 µs and more to verify, and clients come back: in storms all at once.
	mu      sync.Mutex
	vouched map[[sha256.Size]byte]time.Time // what was verified, and how long that is true
}

// newClientCert compiles says; nil: nothing is asked.
func newClientCert(says *model.ClientCert) (*clientCert, error) {
	if says == nil {
		return nil, nil
	}
	c := &clientCert{says: says, roots: x509.NewCertPool(), depth: max(says.Depth, 1), vouched: map[[sha256.Size]byte]time.Time{}}
	if says.CAs != "" || says.Mode != model.UnverifiedCert {
		cas, err := secure.Certificates(says.CAs)
		if err != nil {
			return nil, err
		}
		for _, ca := range cas {
			c.roots.AddCert(ca)
		}
	}
	var err error
	if c.lists, err = newRevocations(says.CAs); err != nil {
		return nil, err
	}
	if says.MatchCN != "" {
		if c.name, err = regexp.Compile(says.MatchCN); err != nil {
			return nil, fmt.Errorf("the expression for the name: %w (RE2 syntax: no look-around, no back-references)", err)
		}
	}
	return c, nil
}

// check asks for the certificate that came with the handshake, and tells the endpoint about it. TLS
// that ended at a proxy in front counts for nothing: whose certificate that saw can't be known.
func (c *clientCert) check(s *Subject) *model.Refusal {
	if c == nil {
		return nil
	}
	var shown []*x509.Certificate
	if s.Request.TLS != nil {
		shown = s.Request.TLS.PeerCertificates
	}
	if len(shown) == 0 {
		return c.none(s)
	}
	err := c.verify(shown)
	if err != nil && (c.says.Mode != model.UnverifiedCert || !strangers(err)) {
		return c.required(s, "your certificate is not accepted: "+why(err), err)
	}
	if c.name != nil && !c.name.MatchString("CN="+shown[0].Subject.CommonName) {
		return &model.Refusal{Status: http.StatusForbidden, Reason: model.CertRefused,
			Detail: "this certificate is not for here", Err: fmt.Errorf("the subject is %s", distinguishedName(shown[0].RawSubject))}
	}
	verdict := "SUCCESS"
	if err != nil {
		verdict = "FAILED:" + why(err)
	}
	s.tell(headerCertVerify, verdict)
	s.tell(headerCertSubject, distinguishedName(shown[0].RawSubject))
	s.tell(headerCertIssuer, distinguishedName(shown[0].RawIssuer))
	if c.says.PassToEndpoint {
		s.tell(headerCert, escaped(shown[0]))
	}
	return nil
}

// none judges a client without a certificate.
func (c *clientCert) none(s *Subject) *model.Refusal {
	switch {
	case c.says.Mode == model.RequireCert && s.Request.TLS == nil:
		return c.required(s, "a client certificate is needed, and so TLS, to this server itself", nil)
	case c.says.Mode == model.RequireCert:
		refusal := c.required(s, "a client certificate is needed: none was sent", nil)
		// The connection may be older than the wish; on the next one the client is asked again.
		refusal.Header["Connection"] = "close"
		return refusal
	case c.name != nil:
		return &model.Refusal{Status: http.StatusForbidden, Reason: model.CertRefused,
			Detail: "a certificate of a certain name is needed: none was sent"}
	}
	s.tell(headerCertVerify, "NONE")
	return nil
}

func (c *clientCert) required(s *Subject, detail string, err error) *model.Refusal {
	refusal := &model.Refusal{Status: http.StatusBadRequest, Reason: model.CertRequired,
		Detail: detail, Header: map[string]string{}, Err: err}
	if c.says.ErrorPage != "" && s.Upgrade == "" {
		refusal.Status = http.StatusFound
		refusal.Header["Location"] = c.says.ErrorPage
	}
	return refusal
}

var errTooDeep = errors.New("certificate chain too long")

// verify returns why the certificate that comes first is not vouched for by a CA of the route.
func (c *clientCert) verify(shown []*x509.Certificate) error {
	sum, now := fingerprint(shown), time.Now()
	if c.remembers(sum, now) {
		return nil
	}
	intermediates := x509.NewCertPool()
	for _, i := range shown[1:] {
		intermediates.AddCert(i)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	err = errTooDeep
	for _, chain := range chains {
		if !secure.Within([][]*x509.Certificate{chain}, c.depth) {
			continue
		}
		var until time.Time
		if until, err = c.lists.judge(chain, now); err == nil {
			c.remember(sum, chain, until)
			return nil
		}
	}
	return err
}

func (c *clientCert) remembers(sum [sha256.Size]byte, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, known := c.vouched[sum]
	return known && !now.After(until)
}

// remember keeps what was verified until then, or until the first certificate of the chain expires. Only
// what is good is kept: strangers can push nobody out.
func (c *clientCert) remember(sum [sha256.Size]byte, chain []*x509.Certificate, until time.Time) {
	for _, certificate := range chain {
		if certificate.NotAfter.Before(until) {
			until = certificate.NotAfter
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.vouched { // any of them
		if len(c.vouched) < maxVouched {
			break
		}
		delete(c.vouched, other)
	}
	c.vouched[sum] = until
}

// fingerprint identifies what a client has shown.
func fingerprint(shown []*x509.Certificate) [sha256.Size]byte {
	h := sha256.New()
	for _, c := range shown {
		h.Write(c.Raw) // DER says itself where it ends
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// strangers reports whether a certificate failed for no other reason than that no CA is known that
// vouches for it. One that has expired is good nowhere.
func strangers(err error) bool {
	return errors.As(err, new(x509.UnknownAuthorityError)) || errors.Is(err, errTooDeep)
}

// why returns a reason in the words of OpenSSL, which endpoints behind nginx know.
func why(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, errTooDeep), errors.Is(err, errRevoked), errors.Is(err, errNoList):
		return err.Error()
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "unable to get local issuer certificate"
	case !errors.As(err, &invalid):
		return "certificate verify failed"
	case invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		return "certificate is not yet valid"
	case invalid.Reason == x509.Expired:
		return "certificate has expired"
	case invalid.Reason == x509.IncompatibleUsage:
		return "unsuitable certificate purpose"
	}
	return "certificate verify failed"
}

// escaped returns a certificate in PEM with everything escaped that a header or a URL could trip over.
func escaped(c *x509.Certificate) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20") // a plus itself is escaped
}
