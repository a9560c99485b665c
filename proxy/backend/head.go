package backend

import (
	"bytes"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/handshake"
)

// written are the headers that head writes itself or that an upgrade request must not have.
var written = map[string]bool{
	"Connection": true, "Content-Length": true, "Host": true, "Sec-WebSocket-Key": true,
	"Transfer-Encoding": true, "Upgrade": true,
}

// head returns the request's head as it goes over the wire. A method, URI or host that would
// break it is refused: a line break in one of them would smuggle a second request.
func (r *Request) head() ([]byte, *Failure) {
	switch {
	case !httpguts.ValidHeaderFieldName(r.Method):
		return nil, badRequest("the method is not a token")
	case !strings.HasPrefix(r.URI, "/") || strings.ContainsFunc(r.URI, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return nil, badRequest("the path must start with / and have its blanks escaped")
	case !httpguts.ValidHostHeader(r.Host):
		return nil, badRequest("the host is not valid")
	}
	var head bytes.Buffer
	head.WriteString(r.Method + " " + r.URI + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	own := http.Header{"Connection": {"Upgrade"}, "Upgrade": {r.Upgrade}}
	if r.Key != "" {
		own["Sec-WebSocket-Key"] = []string{r.Key}
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		// These mean content unless it is said that there is none (RFC 9110 section 8.6).
		own["Content-Length"] = []string{"0"}
	}
	// Writing to a buffer can't fail. Write removes line breaks that a value may hold.
	_ = own.Write(&head)
	_ = handshake.Spell(r.Header).WriteSubset(&head, written)
	head.WriteString("\r\n")
	return head.Bytes(), nil
}

// repeatable reports whether the request may be sent again after it may have been seen by an
// endpoint (RFC 9110 section 9.2.2, less the methods that change something).
func (r *Request) repeatable() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
