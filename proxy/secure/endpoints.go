package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fairlead/fairlead/proxy/model"
)

// maxClients bounds the configurations that are kept ready for one Endpoints. With names that
// clients choose (hosts with a wildcard) there is no end of them.
const maxClients = 1024

// Endpoints is how TLS is spoken to endpoints, by one [model.BackendTLS]. It may be used from
// several goroutines, and by all routes that say the same.
type Endpoints struct {
	says  model.BackendTLS
	base  *tls.Config // without what depends on the endpoint and the name
	pool  uint64
	wrong error // why no endpoint may be trusted

	mu      sync.Mutex
	clients map[destination]*Client
}

// destination is an endpoint and the name by which it is asked for.
type destination struct {
	address netip.AddrPort
	name    string
}

// Client is how to connect to one endpoint by one name.
type Client struct {
	// Config is shared by all such connections, and remembers the session for the next of them
	// (RFC 8446 section 2.2).
	Config *tls.Config
	// Pool is a number: idle connections to one address may stand in for each other if they have the
	// same. Two settings never have the same, nor two names when the certificate is verified.
	Pool uint64
}

// lastPool is the last number of a pool.
var lastPool atomic.Uint64

// NewEndpoints compiles says. With an error the result is usable too, and connects to nobody: what
// was to be verified must not pass because the means are missing.
func NewEndpoints(says model.BackendTLS) (*Endpoints, error) {
	e := &Endpoints{says: says, pool: lastPool.Add(1), clients: map[destination]*Client{}}
	e.base = &tls.Config{
		MinVersion:         orDefault(says.MinVersion),
		MaxVersion:         says.MaxVersion,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: !says.Verify || says.NoSNI, // then VerifyConnection does it, for names that are not sent
	}
	var errs []error
	if says.MaxVersion != 0 && says.MaxVersion < e.base.MinVersion {
		errs = append(errs, fmt.Errorf("no TLS version is allowed: %s is newer than %s",
			tls.VersionName(e.base.MinVersion), tls.VersionName(says.MaxVersion)))
	}
	if says.CAs != "" {
		var err error
		if e.base.RootCAs, err = pool(says.CAs); err != nil {
			errs = append(errs, err)
		}
	}
	if says.CertPEM != "" || says.KeyPEM != "" {
		pair, err := tls.X509KeyPair([]byte(says.CertPEM), []byte(says.KeyPEM))
		if err != nil {
			errs = append(errs, fmt.Errorf("client certificate: %w", err))
		}
		// Whatever CAs the endpoint says it likes: it may know ours all the same.
		e.base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if err := errors.Join(errs...); err != nil {
		e.wrong = fmt.Errorf("TLS to endpoints: %w", err)
	}
	return e, e.wrong
}

// Client returns how to connect to an endpoint that gets host as the Host of requests, with or
// without a port. An error means that it can't be done as it must be.
func (e *Endpoints) Client(address netip.AddrPort, host string) (*Client, error) {
	if e.wrong != nil {
		return nil, e.wrong
	}
	to := destination{address, e.says.ServerName}
	if to.name == "" {
		to.name = hostname(host)
	}
	if to.name == "" && e.says.Verify {
		return nil, errors.New("TLS to endpoints: the request has no host that the certificate could be verified for")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.clients[to]
	if c == nil {
		for other := range e.clients { // any: which one will be missed least can't be told
			if len(e.clients) < maxClients {
				break
			}
			delete(e.clients, other)
		}
		c = e.client(to)
		e.clients[to] = c
	}
	return c, nil
}

func (e *Endpoints) client(to destination) *Client {
	c := &Client{Config: e.base.Clone(), Pool: e.pool}
	if !e.says.NoSNI {
		c.Config.ServerName = to.name
	}
	c.Config.ClientSessionCache = new(lastSession)
	if e.says.Verify {
		c.Pool = lastPool.Add(1)
		c.Config.VerifyConnection = e.verifier(to.name)
	}
	return c
}

// verifier returns what crypto/tls does not verify by itself; nil: nothing.
func (e *Endpoints) verifier(name string) func(tls.ConnectionState) error {
	if !e.says.NoSNI && e.says.Depth == 0 {
		return nil
	}
	return func(s tls.ConnectionState) error {
		err := e.verify(s, name)
		if err != nil {
			err = &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		}
		return err
	}
}

func (e *Endpoints) verify(s tls.ConnectionState, name string) error {
	chains := s.VerifiedChains
	if e.says.NoSNI {
		intermediates := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			intermediates.AddCert(c)
		}
		var err error
		chains, err = s.PeerCertificates[0].Verify(x509.VerifyOptions{
			DNSName: name, Roots: e.base.RootCAs, Intermediates: intermediates,
		})
		if err != nil {
			return err
		}
	}
	if e.says.Depth > 0 && !Within(chains, e.says.Depth) {
		return fmt.Errorf("more than %d certificates stand between the endpoint's and a CA", e.says.Depth)
	}
	return nil
}

// Within reports whether one of the chains has at most depth certificates between its first and the
// CA that is trusted, as OpenSSL counts (SSL_CTX_set_verify_depth).
func Within(chains [][]*x509.Certificate, depth int) bool {
	for _, chain := range chains {
		if len(chain)-2 <= depth {
			return true
		}
	}
	return false
}

// pool reads certificates in PEM. Nothing that is not one is passed over: half a list would refuse
// whom the other half would have let in, without a word.
func pool(text string) (*x509.CertPool, error) {
	certificates, err := Certificates(text)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p, nil
}

// lastSession keeps the newest session of a destination.
type lastSession struct {
	state atomic.Pointer[tls.ClientSessionState]
}

// Get implements tls.ClientSessionCache.
func (s *lastSession) Get(string) (*tls.ClientSessionState, bool) {
	state := s.state.Load()
	return state, state != nil
}

// Put implements tls.ClientSessionCache.
func (s *lastSession) Put(_ string, state *tls.ClientSessionState) { s.state.Store(state) }

func orDefault(version uint16) uint16 {
	if version == 0 {
		return tls.VersionTLS12
	}
	return version
}

// hostname returns the lower-case host of a Host header without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}
