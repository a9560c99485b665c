package table

import (
	"crypto/sha256"
	"crypto/tls"
	"iter"
	"maps"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// fingerprint identifies a key pair, so that each is parsed once in its life.
type fingerprint = [sha256.Size]byte

type certificateNames struct {
	exact    map[string]*tls.Certificate // wildcards stand in it as they are written
	standard *tls.Certificate
}

func (c *compilation) certificates(configured []model.Certificate) {
	c.t.certificates = make(map[fingerprint]*tls.Certificate, len(configured))
	c.t.names.exact = make(map[string]*tls.Certificate, len(configured))
	c.t.expiries = make(map[string]time.Time, len(configured))
	for _, cert := range configured {
		f := cert.Fingerprint()
		pair := c.prev.certificates[f]
		if pair == nil {
			parsed, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
			if err != nil {
				c.refuse("certificate %s: %w", cert.Name, err)
				continue
			}
			pair = &parsed
		}
		c.t.certificates[f] = pair
		if at, known := c.t.expiries[cert.Name]; !known || pair.Leaf.NotAfter.Before(at) {
			c.t.expiries[cert.Name] = pair.Leaf.NotAfter
		}
		if len(cert.Hosts) == 0 && c.t.names.standard == nil {
			c.t.names.standard = pair
		}
		for _, host := range cert.Hosts {
			if c.t.names.exact[host] == nil {
				c.t.names.exact[host] = pair
			}
		}
	}
}

// Expiries lists the certificates by Name, each once, and when they expire.
func (t *Table) Expiries() iter.Seq2[string, time.Time] { return maps.All(t.expiries) }
