package proxy

import (
	"crypto/tls"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/accept"
	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
	"github.com/fairlead/fairlead/proxy/table"
)

// address returns where the chosen endpoint is and how it is spoken to.
func (x *exchange) address() backend.Endpoint { return x.addressOf(x.chosen) }

func (x *exchange) addressOf(c choice) backend.Endpoint {
	e := backend.Endpoint{Address: c.endpoint.Address}
	scheme := c.backend.Scheme
	if scheme == model.Secure || scheme == model.AsClient && x.client.Secure {
		e.TLS = x.hit.Route.EndpointTLS
	}
	return e
}

// misdirected refuses a request that came over a connection for another name (RFC 9110 section
// 15.5.20), where the names want handshakes that differ: it would get around what its own one asks
// for. Everybody else may ask for any host over any connection.
func misdirected(t *table.Table, r *http.Request) *model.Refusal {
	switch {
	case r.TLS == nil:
		return nil
	case t.Misdirected(r.TLS.ServerName, r.Host):
		return &model.Refusal{Status: http.StatusMisdirectedRequest, Reason: model.Misdirected,
			Detail: "this connection was made for another name; make one for the host that you ask for"}
	}
	if terms := t.Terms(r.TLS.ServerName); terms != nil && r.TLS.Version < terms.MinVersion {
		// It is older than the rule.
		return &model.Refusal{Status: http.StatusMisdirectedRequest, Reason: model.Misdirected,
			Detail: "this host wants a newer version of TLS; connect again", Header: map[string]string{"Connection": "close"}}
	}
	return nil
}

// tlsConfig is how TLS is spoken to clients. What depends on the name is found in the current table,
// so that it counts at once and touches no connection that stands.
func (s *Server) tlsConfig() *tls.Config {
	return accept.TLSConfig(accept.Names{
		Certificate: func(name string) (*tls.Certificate, error) { return s.Table().Certificate(name), nil },
		Fallback:    s.fallback,
		Terms:       func(name string) *secure.Terms { return s.Table().Terms(name) },
		MinVersion:  s.options.MinTLS,
	}, &s.tickets)
}

// selfSigned is the certificate for names that have none: a browser that is shown it warns, where it
// could only say of a failed handshake that the site is broken.
type selfSigned struct {
	once sync.Once
	made atomic.Pointer[tls.Certificate]
	err  error
}

func (s *Server) fallback() (*tls.Certificate, error) {
	own := &s.selfSigned
	own.once.Do(func() {
		var made *tls.Certificate
		if made, own.err = accept.NewFallback(); own.err != nil {
			s.log.Error("no self-signed certificate could be made: handshakes for names without a certificate fail", "error", own.err)
			return
		}
		own.made.Store(made)
		s.log.Warn("a client asked for a name without a certificate, and there is no default one: such clients are shown a self-signed one",
			"certificate", accept.FallbackName, "expires", made.Leaf.NotAfter)
	})
	return own.made.Load(), own.err
}

// selfSignedName is what metrics call the certificate that is made here. No Secret is called so.
const selfSignedName = "self-signed"

// expiries lists the certificates that clients may be shown.
func (s *Server) expiries() iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		if own := s.selfSigned.made.Load(); own != nil && !yield(selfSignedName, own.Leaf.NotAfter) {
			return
		}
		for name, at := range s.Table().Expiries() {
			if !yield(name, at) {
				return
			}
		}
	}
}
