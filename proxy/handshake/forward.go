package handshake

import (
	"cmp"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The headers that tell an endpoint about the client.
const (
	headerFor    = "X-Forwarded-For"
	headerHost   = "X-Forwarded-Host"
	headerPort   = "X-Forwarded-Port"
	headerProto  = "X-Forwarded-Proto"
	headerServer = "X-Forwarded-Server"
	headerReal   = "X-Real-Ip"
)

// certPrefix begins the headers that tell an endpoint about the client's certificate. Package admit
// has looked at it and makes them; nobody else, trusted or not, can say what it saw.
const certPrefix = "Ssl-Client-"

// Forwarding makes the headers that tell an endpoint who the client is. What a client says about
// itself counts only when it comes from a trusted proxy.
type Forwarding struct {
	// Trusted are the networks of proxies in front whose forwarding headers are believed. IPv4
	// networks are written as IPv4.
	Trusted []netip.Prefix
	// Server is the value of X-Forwarded-Server: the name of this replica. "": none is sent.
	Server string
}

// Client is who sent a request, as far as trust goes.
type Client struct {
	// Address is the peer's, or when the peer is trusted the right-most one in X-Forwarded-For that
	// is not. An entry that is no address ends the search: whoever wrote it can't be told, so the
	// trusted proxy that reported it stands for the client. The address has no zone and IPv4 is
	// never mapped. The zero Addr: the peer has none.
	Address netip.Addr
	// Secure: the client speaks TLS, to us or as a trusted proxy says (https or wss in
	// X-Forwarded-Proto; of several values the first, which stands for the hop of the client).
	Secure bool

	peer    netip.Addr // the other end of the connection
	trusted bool       // what it says about the client is believed
}

// Client returns who sent the request. RemoteAddr and TLS say who the peer is.
func (f *Forwarding) Client(r *http.Request) Client {
	peer := parsePeer(r.RemoteAddr)
	c := Client{Address: peer, Secure: r.TLS != nil, peer: peer, trusted: f.trusts(peer)}
	if c.trusted {
		c.Address = f.behind(peer, r.Header[headerFor])
		c.Secure = saysSecure(r.Header.Get(headerProto), c.Secure)
	}
	return c
}

// behind returns the client that the lines of a trusted proxy's X-Forwarded-For lead to.
func (f *Forwarding) behind(client netip.Addr, lines []string) netip.Addr {
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			entry = strings.Trim(entry, " \t")
			if entry == "" {
				continue
			}
			address, ok := parseAddress(entry)
			if !ok {
				return client
			}
			client = address
			if !f.trusts(client) {
				return client
			}
		}
	}
	return client
}

// saysSecure reads X-Forwarded-Proto; a value that says nothing leaves it at what is known otherwise.
func saysSecure(proto string, otherwise bool) bool {
	proto, _, _ = strings.Cut(proto, ",")
	switch strings.ToLower(strings.Trim(proto, " \t")) {
	case "https", "wss":
		return true
	case "http", "ws":
		return false
	}
	return otherwise
}

// Header returns the header with which the request of client c goes to the endpoint, as
// [Forwarding.Fields] yields it. r stays as it is.
func (f *Forwarding) Header(r *http.Request, c Client) http.Header {
	out := make(http.Header, len(r.Header)+len(ours))
	for name, values := range f.Fields(r, c) {
		out[name] = slices.Clip(values) // an Add to the copy must not write behind the original
	}
	return out
}

// Fields returns the header fields with which the request of client c goes to the endpoint. They
// can be read more than once, for as long as r does not change.
//
// Hop-by-hop headers and those that Connection names are left out (RFC 9110 section 7.6.1), but for
// "TE: trailers". X-Real-IP, X-Forwarded-For, -Host, -Port, -Proto and -Server are set: from a
// trusted peer X-Forwarded-For is appended to and the other X-Forwarded values are kept, from
// others all of X-Forwarded-* and Forwarded (RFC 7239) is replaced or dropped, as are X-Scheme and
// X-Original-Forwarded-*, which endpoints behind ingress-nginx take for its words. X-Real-IP is always
// [Client.Address]. Whatever begins with Ssl-Client- is dropped, and Proxy, since CGI programs take it for their own HTTP_PROXY.
func (f *Forwarding) Fields(r *http.Request, c Client) iter.Seq2[string, []string] {
	values, trusted := f.describe(r, c), c.trusted
	return func(yield func(string, []string) bool) {
		for name, theirs := range endToEnd(r.Header) {
			if passes(name, trusted) && !yield(name, theirs) {
				return
			}
		}
		for i, name := range ours {
			if values[i] != "" && !yield(name, values[i:i+1]) {
				return
			}
		}
	}
}

// ours are the headers that describe sets, whatever the client sent.
var ours = [...]string{headerFor, headerReal, headerHost, headerPort, headerProto, headerServer, "Te"}

// describe returns the values for ours; "": none is sent.
func (f *Forwarding) describe(r *http.Request, c Client) (values [len(ours)]string) {
	var given http.Header
	if c.trusted {
		// Read from the request, not from what is left of it: "Connection: X-Forwarded-For" must
		// not make a client look like the proxy in front.
		given = r.Header
	}
	chain, client := "", ""
	if c.peer.IsValid() {
		chain = c.peer.String()
		client = chain
		if c.Address != c.peer {
			client = c.Address.String()
		}
		if before := given[headerFor]; len(before) > 0 {
			chain = strings.Join(before, ", ") + ", " + chain
		}
	}
	host := cmp.Or(given.Get(headerHost), r.Host)
	proto, port := "http", "80"
	if c.Secure {
		proto, port = "https", "443"
	}
	if named := givenPort(given.Get(headerPort), host); named != "" {
		port = named
	}
	trailers := ""
	if wantsTrailers(r.Header) {
		trailers = "trailers"
	}
	return [...]string{chain, client, host, port, proto, cmp.Or(given.Get(headerServer), f.Server), trailers}
}

// givenPort returns the port that a trusted proxy named, or else the one in host. The port of the
// listener would be wrong behind a Service that maps 443 to 8443; the client names every port but
// the default one in Host (RFC 9110 section 7.2).
func givenPort(given, host string) string {
	if isPort(given) {
		return given
	}
	if !strings.Contains(host, ":") {
		return ""
	}
	if _, named, err := net.SplitHostPort(host); err == nil && isPort(named) {
		return named
	}
	return ""
}

// passes reports whether an end-to-end header of the client may go on beside ours. Of what only a
// trusted proxy may say, spellings with an underscore never do, whoever sent them: CGI and WSGI
// programs can't tell X_Forwarded_For from X-Forwarded-For.
func passes(name string, trusted bool) bool {
	plain := name
	if strings.Contains(name, "_") {
		plain = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	switch {
	case plain == "Proxy", slices.Contains(ours[:], plain), strings.HasPrefix(plain, certPrefix):
		return false
	case plain == "Forwarded", strings.HasPrefix(plain, "X-Forwarded-"), plain == "X-Scheme", strings.HasPrefix(plain, "X-Original-Forwarded-"):
		return trusted && plain == name
	}
	return true
}

func isPort(s string) bool {
	if s == "" {
		return false // ParseUint would make an error
	}
	port, err := strconv.ParseUint(s, 10, 16)
	return err == nil && port > 0
}

// trusts reports whether address belongs to a trusted proxy.
func (f *Forwarding) trusts(address netip.Addr) bool {
	for _, network := range f.Trusted {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// parsePeer reads an address as package net writes it, mostly with its port. The zero Addr: it is none.
func parsePeer(s string) netip.Addr {
	if peer, err := netip.ParseAddrPort(s); err == nil {
		return plainAddress(peer.Addr())
	}
	address, _ := parseAddress(s)
	return address
}

// parseAddress reads an address as proxies write it: with or without port, IPv6 with or without
// brackets.
func parseAddress(s string) (netip.Addr, bool) {
	bare := s
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		bare = s[1 : len(s)-1]
	}
	address, err := netip.ParseAddr(bare)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return plainAddress(address), true
}

// plainAddress removes what makes equal addresses look different. Zones mean nothing elsewhere, and
// no network contains them.
func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
