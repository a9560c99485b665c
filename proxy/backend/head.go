package backend

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/handshake"
)

// AppendHead appends the request's head, as it goes over the wire, to dst. A method, URI or host
// that would break it is refused with BadHandshake: a line break in one of them would smuggle a
// second request.
func (r *Request) AppendHead(dst []byte) ([]byte, *Failure) {
	switch {
	case !httpguts.ValidHeaderFieldName(r.Method):
		return dst, badRequest("the method is not a token")
	case !strings.HasPrefix(r.URI, "/") || strings.ContainsFunc(r.URI, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return dst, badRequest("the path must start with / and have its blanks escaped")
	case !httpguts.ValidHostHeader(r.Host):
		return dst, badRequest("the host is not valid")
	}
	for _, part := range [...]string{r.Method, " ", r.URI, " HTTP/1.1\r\nHost: ", r.Host, "\r\nConnection: Upgrade\r\n"} {
		dst = append(dst, part...)
	}
	dst = handshake.AppendField(dst, "Upgrade", r.Upgrade)
	if r.Key != "" {
		dst = handshake.AppendField(dst, "Sec-WebSocket-Key", r.Key)
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		// These mean content unless it is said that there is none (RFC 9110 section 8.6).
		dst = append(dst, "Content-Length: 0\r\n"...)
	}
	if r.Header != nil {
		for name, values := range r.Header {
			if !written(name) {
				dst = handshake.AppendFields(dst, name, values)
			}
		}
	}
	return append(dst, "\r\n"...), nil
}

// written reports whether AppendHead writes the header itself, or an upgrade request must not have it.
func written(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Host", "Sec-Websocket-Key", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
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
