package handshake

import (
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
	peer, _ := parseAddress(r.RemoteAddr)
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

// Header returns the header with which the request of client c goes to the endpoint; r stays as it is.
//
// Hop-by-hop headers and those that Connection names are removed (RFC 9110 section 7.6.1). With an
// upgrade other than "", Connection and Upgrade are set anew. X-Real-IP, X-Forwarded-For, -Host,
// -Port, -Proto and -Server are set: from a trusted peer X-Forwarded-For is appended to and the
// other X-Forwarded values are kept, from others all of X-Forwarded-* and Forwarded (RFC 7239) is
// replaced or dropped. X-Real-IP is always [Client.Address]. Proxy is dropped, since CGI
// programs take it for their own HTTP_PROXY.
func (f *Forwarding) Header(r *http.Request, c Client, upgrade string) http.Header {
	out := endToEnd(r.Header)
	delete(out, "Proxy")
	dropForged(out, c.trusted)
	if wantsTrailers(r.Header) {
		out["Te"] = []string{"trailers"}
	}
	if upgrade != "" {
		out["Connection"] = []string{"Upgrade"}
		out["Upgrade"] = []string{upgrade}
	}
	given := http.Header{}
	if c.trusted {
		// Read from the request, not from what is left of it: "Connection: X-Forwarded-For" must
		// not make a client look like the proxy in front.
		given = r.Header
	}
	describeClient(out, given, c)
	f.describeRequest(out, given, r, c)
	return out
}

// describeClient sets the headers that hold addresses.
func describeClient(out, given http.Header, c Client) {
	delete(out, headerFor)
	delete(out, headerReal)
	if !c.peer.IsValid() {
		return
	}
	chain := slices.Concat(given[headerFor], []string{c.peer.String()})
	out[headerFor] = []string{strings.Join(chain, ", ")}
	out[headerReal] = []string{c.Address.String()}
}

// describeRequest sets the headers that hold what the client asked for, as it saw it.
func (f *Forwarding) describeRequest(out, given http.Header, r *http.Request, c Client) {
	host := r.Host
	if given.Get(headerHost) != "" {
		host = given.Get(headerHost)
	}
	setOrDrop(out, headerHost, host)
	proto, port := "http", "80"
	if c.Secure {
		proto, port = "https", "443"
	}
	out[headerProto] = []string{proto}
	// The port of the listener would be wrong behind a Service that maps 443 to 8443; the client
	// names every port but the default one in Host (RFC 9110 section 7.2).
	if _, named, err := net.SplitHostPort(host); err == nil && isPort(named) {
		port = named
	}
	if isPort(given.Get(headerPort)) {
		port = given.Get(headerPort)
	}
	out[headerPort] = []string{port}
	server := f.Server
	if given.Get(headerServer) != "" {
		server = given.Get(headerServer)
	}
	setOrDrop(out, headerServer, server)
}

// dropForged removes what only a trusted proxy may say. Spellings with an underscore go too, from
// whomever: CGI and WSGI programs can't tell X_Forwarded_For from X-Forwarded-For.
func dropForged(h http.Header, trusted bool) {
	for name := range h {
		plain := name
		if strings.Contains(name, "_") {
			plain = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		}
		ours := plain == headerReal || plain == "Forwarded" || strings.HasPrefix(plain, "X-Forwarded-")
		if ours && (!trusted || plain != name) {
			delete(h, name)
		}
	}
}

func setOrDrop(h http.Header, name, value string) {
	if value == "" {
		delete(h, name)
		return
	}
	h[name] = []string{value}
}

func isPort(s string) bool {
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

// parseAddress reads an address as proxies write it: with or without port, IPv6 with or without
// brackets. Zones are removed, because they mean nothing elsewhere and no network contains them.
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
	return address.Unmap().WithZone(""), true
}
