package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// DefaultTimeout bounds each step of a probe, unless told otherwise.
const DefaultTimeout = 10 * time.Second

// Options say what to probe. Only URL is needed.
type Options struct {
	// URL is ws://, wss://, or http:// and https://, which stand for them.
	URL string
	// ConnectTo is host:port to connect to instead of the URL's. The request, the name in TLS (SNI)
	// and the name that the certificate must have stay those of the URL.
	ConnectTo string

	Header       http.Header // added to the request; Host replaces the URL's
	Origin       string
	Cookie       string
	Subprotocols []string // offered, the preferred first
	Extensions   string   // value of Sec-WebSocket-Extensions; "": none are offered, while browsers offer permessage-deflate

	Insecure bool           // a certificate that doesn't verify is told, but doesn't end the probe
	Roots    *x509.CertPool // nil: those of the system

	Timeout time.Duration // of each step; 0: DefaultTimeout
	// Send is a text message that is sent behind the handshake; then a message must come back.
	Send string
	// Idle is how long to keep silent behind the handshake, to find out who closes and when.
	Idle time.Duration
	// Ping breaks that silence with a Ping of this interval; 0: none.
	Ping time.Duration

	AllAddresses bool // each address of the name is probed, not only the first that takes a connection
	Once         bool // no further handshakes to tell causes apart

	// Resolve and Dial replace the system's; for tests.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// complete checks the options and fills in what is left out.
func (o *Options) complete() error {
	for name, d := range map[string]time.Duration{"timeout": o.Timeout, "idle": o.Idle, "ping": o.Ping} {
		if d < 0 {
			return fmt.Errorf("%s %v: must not be negative", name, d)
		}
	}
	if o.Ping > 0 && o.Idle == 0 {
		return errors.New("ping without idle: say how long to stay connected")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.ConnectTo != "" {
		if host, port, err := net.SplitHostPort(o.ConnectTo); err != nil || host == "" || port == "" {
			return fmt.Errorf("connect-to %q: must be host:port", o.ConnectTo)
		}
	}
	for _, name := range o.Subprotocols {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("subprotocol %q: must be one word of letters, digits and !#$%%&'*+-.^_`|~ (RFC 6455 section 4.1)", name)
		}
	}
	if err := o.checkHeader(); err != nil {
		return err
	}
	if o.Resolve == nil {
		o.Resolve = lookUp
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	return nil
}

// lookUp asks the system. Names below localhost lead to this machine though it may know none of them
// (RFC 6761 section 6.3), as in browsers.
func lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil && strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	return addresses, err
}

// handshakeOwn are the headers that make the handshake, and are the probe's.
var handshakeOwn = []string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Content-Length", "Transfer-Encoding"}

func (o *Options) checkHeader() error {
	for _, name := range handshakeOwn {
		if _, ok := o.Header[name]; ok {
			return fmt.Errorf("header %s: it is part of the handshake, which the probe makes itself", name)
		}
	}
	check := func(name, value string) error {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("header %q: not a header name", name)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("header %s: its value has control characters", name)
		}
		return nil
	}
	for name, values := range o.Header {
		for _, value := range values {
			if err := check(name, value); err != nil {
				return err
			}
		}
	}
	return errors.Join(check("Origin", o.Origin), check("Cookie", o.Cookie), check("Sec-WebSocket-Extensions", o.Extensions))
}

// place is what a URL says.
type place struct {
	secure bool
	host   string // without port and brackets
	port   string
	asked  bool   // the port stands in the URL
	uri    string // path and query
}

func (p place) String() string {
	scheme := "ws"
	if p.secure {
		scheme = "wss"
	}
	return scheme + "://" + p.authority() + p.uri
}

// authority is the value of Host (RFC 9110 section 7.2).
func (p place) authority() string {
	host := p.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p.port == defaultPort(p.secure) {
		return host
	}
	return host + ":" + p.port
}

// path is the path without the query.
func (p place) path() string {
	path, _, _ := strings.Cut(p.uri, "?")
	return path
}

// withPath returns the place with another path and the same query.
func (p place) withPath(path string) place {
	if _, query, ok := strings.Cut(p.uri, "?"); ok {
		path += "?" + query
	}
	p.uri = path
	return p
}

// withSecure returns the place with the other scheme. A port that stands in the URL stays.
func (p place) withSecure(secure bool) place {
	p.secure = secure
	if !p.asked {
		p.port = defaultPort(secure)
	}
	return p
}

// onSamePort returns the place with the other scheme, on the port that was probed.
func (p place) onSamePort(secure bool) place {
	p.secure, p.asked = secure, true
	return p
}

func defaultPort(secure bool) string {
	if secure {
		return "443"
	}
	return "80"
}

// parsePlace reads a URL. The notes say what was made of it.
func parsePlace(raw string) (p place, notes []string, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return p, nil, fmt.Errorf("URL %q: %w", raw, errors.Unwrap(err))
	}
	switch strings.ToLower(u.Scheme) {
	case "ws":
	case "wss":
		p.secure = true
	case "http":
		notes = append(notes, "http:// is taken as ws://, which is the same connection")
	case "https":
		p.secure = true
		notes = append(notes, "https:// is taken as wss://, which is the same connection")
	default:
		return p, nil, fmt.Errorf("URL %q: must begin with ws:// or wss://", raw)
	}
	if p.host = u.Hostname(); p.host == "" {
		return p, nil, fmt.Errorf("URL %q: has no host", raw)
	}
	if u.User != nil {
		return p, nil, errors.New("the URL has a name or password: browsers ignore or refuse them in WebSocket URLs; use -H 'Authorization: …'")
	}
	if u.Fragment != "" {
		notes = append(notes, "the part behind # is never sent, and browsers refuse a WebSocket URL that has one (older ones throw a SyntaxError)")
	}
	p.port, p.asked = u.Port(), u.Port() != ""
	if !p.asked {
		p.port = defaultPort(p.secure)
	}
	p.uri = u.RequestURI()
	return p, notes, nil
}
