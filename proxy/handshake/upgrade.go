package handshake

import (
	"iter"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// WebSocket is the protocol name of RFC 6455 as [Upgrade] returns it.
const WebSocket = "websocket"

// Upgrade returns, in lower case, the protocol that the request asks to switch to, or "" for an
// ordinary request. Connection must name the header (RFC 9110 section 7.8).
//
// Of several offers websocket wins, then the first. h2c and other offers of HTTP are never taken:
// behind an accepted one, requests would pass unseen (request smuggling); a server may ignore an
// offer. For the same reason, offers of protocols other than WebSocket are ignored when the
// request has a body or is HTTP/1.0. A WebSocket request with these faults is for [Check] to refuse.
func Upgrade(r *http.Request) string {
	if !httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
		return ""
	}
	first := ""
	for offer := range elements(r.Header["Upgrade"]) {
		offer = strings.ToLower(offer)
		if offer == WebSocket {
			return WebSocket
		}
		if first == "" && isProtocol(offer) && !isHTTP(offer) {
			first = offer
		}
	}
	if !r.ProtoAtLeast(1, 1) || hasBody(r) {
		return ""
	}
	return first
}

// isProtocol reports whether s is "name" or "name/version" (RFC 9110 section 7.8).
func isProtocol(s string) bool {
	name, version, versioned := strings.Cut(s, "/")
	return httpguts.ValidHeaderFieldName(name) && (!versioned || httpguts.ValidHeaderFieldName(version))
}

// isHTTP reports whether a lower-case protocol is a version of HTTP itself, under any TLS.
func isHTTP(s string) bool {
	name, _, _ := strings.Cut(s, "/")
	return name == "h2c" || name == "h2" || name == "http" || name == "tls"
}

// hasBody reports whether the request announced content. The length is -1 for chunked content.
func hasBody(r *http.Request) bool { return r.ContentLength != 0 }

// elements yields the comma-separated elements of a header's lines, without empty ones
// (RFC 9110 section 5.6.1).
func elements(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for element := range strings.SplitSeq(line, ",") {
				element = strings.Trim(element, " \t")
				if element != "" && !yield(element) {
					return
				}
			}
		}
	}
}
