package handshake

import (
	"iter"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// hopByHop reports whether a header concerns one connection only (RFC 9110 section 7.6.1), or is
// Http2-Settings, which belongs to h2c alone (RFC 7540 section 3.2.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// endToEnd yields h without the hop-by-hop headers and without those that Connection names. The
// values are those of h.
func endToEnd(h http.Header) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		var named []string // mostly stays empty: what is named is hop-by-hop anyway
		for name := range elements(h["Connection"]) {
			if name = canonical(name); !hopByHop(name) {
				named = append(named, name)
			}
		}
		for name, values := range h {
			if !hopByHop(name) && !slices.Contains(named, name) && !yield(name, values) {
				return
			}
		}
	}
}

// add appends the values of extra to h.
func add(h http.Header, extra iter.Seq2[string, []string]) {
	for name, values := range extra {
		h[name] = append(h[name], values...)
	}
}

// wantsTrailers reports whether TE offers to take trailers (RFC 9110 section 10.1.4).
func wantsTrailers(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Te"], "trailers")
}
