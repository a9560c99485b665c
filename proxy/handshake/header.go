package handshake

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// hopByHop are the headers that concern one connection only (RFC 9110 section 7.6.1), and
// Http2-Settings, which belongs to h2c alone (RFC 7540 section 3.2.1).
var hopByHop = []string{
	"Connection", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// endToEnd returns a copy of h without the hop-by-hop headers and without those that Connection
// names. The values are shared with h.
func endToEnd(h http.Header) http.Header {
	out := make(http.Header, len(h)+8)
	for name, values := range h {
		// Clipped, so that an Add to the copy can't write behind the original.
		out[name] = values[:len(values):len(values)]
	}
	for name := range elements(h["Connection"]) {
		out.Del(name)
	}
	for _, name := range hopByHop {
		delete(out, name)
	}
	return out
}

// add appends the values of extra to h.
func add(h, extra http.Header) {
	for name, values := range extra {
		h[name] = append(h[name], values...)
	}
}

// wantsTrailers reports whether TE offers to take trailers (RFC 9110 section 10.1.4).
func wantsTrailers(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Te"], "trailers")
}
