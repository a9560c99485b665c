package secure

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// Terms are what the handshakes of clients are like for a host, where they are not as for all.
type Terms struct {
	// MinVersion is the lowest TLS version; 0: the server's.
	MinVersion uint16
	// Asks: the client is asked for a certificate, and may go on without one.
	Asks bool
	// Mark is equal for terms that ask for the same certificates, in all replicas.
	Mark [sha256.Size]byte

	hint    *x509.CertPool // whose certificates are asked for; nil: anybody's
	derived atomic.Pointer[derived]
}

// derived is a configuration and what it was made of.
type derived struct{ from, config *tls.Config }

// NewTerms makes terms. cas, in PEM, are those of all who ask, and empty when nobody does. The names
// in them go to the client, so that it can choose (RFC 8446 section 4.2.4); they are no more than a
// hint, so what is no certificate in them is passed over, and an empty text means that any will do.
func NewTerms(minVersion uint16, cas []string) *Terms {
	t := &Terms{MinVersion: minVersion, Asks: len(cas) > 0}
	cas = slices.Compact(slices.Sorted(slices.Values(cas)))
	sum := sha256.New()
	for _, text := range cas {
		_ = binary.Write(sum, binary.BigEndian, uint64(len(text))) // a hash never fails
		sum.Write([]byte(text))
	}
	t.Mark = [sha256.Size]byte(sum.Sum(nil))
	if t.Asks && cas[0] != "" {
		t.hint = x509.NewCertPool()
		for _, text := range cas {
			t.hint.AppendCertsFromPEM([]byte(text))
		}
	}
	return t
}

// Config returns the configuration for handshakes on these terms, made of base. All connections share
// it: there may be 100,000, and each holds its own for as long as it lives.
func (t *Terms) Config(base *tls.Config) *tls.Config {
	if d := t.derived.Load(); d != nil && d.from == base {
		return d.config
	}
	c := base.Clone()
	c.GetConfigForClient = nil
	if t.MinVersion != 0 {
		c.MinVersion = t.MinVersion
	}
	if t.Asks {
		// Who is let in is decided at the request: only then the route is known, and only there the
		// client can be told what is wrong.
		c.ClientAuth, c.ClientCAs = tls.RequestClientCert, t.hint
	}
	t.derived.Store(&derived{base, c})
	return c
}
