package handshake

import (
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Header names are case-insensitive, but some WebSocket implementations in the field compare them
// exactly as RFC 6455 spells them, and net/http keeps them in another spelling.
const (
	keptPrefix = "Sec-Websocket-"
	rfcPrefix  = "Sec-WebSocket-"
)

// AppendField appends a header line to dst, with the names of WebSocket headers spelled as RFC 6455
// does. As in [http.Header.Write], line breaks in the value become blanks, and nothing is appended
// for a name that is no token.
func AppendField(dst []byte, name, value string) []byte {
	if !httpguts.ValidHeaderFieldName(name) {
		return dst
	}
	if rest, ok := strings.CutPrefix(name, keptPrefix); ok {
		dst, name = append(dst, rfcPrefix...), rest
	}
	dst = append(append(dst, name...), ": "...)
	value = textproto.TrimString(value)
	begin := len(dst)
	dst = append(dst, value...)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		for i, c := range dst[begin:] {
			if c == '\r' || c == '\n' {
				dst[begin+i] = ' '
			}
		}
	}
	return append(dst, "\r\n"...)
}

// AppendFields appends a header line for each of the values, as [AppendField] does.
func AppendFields(dst []byte, name string, values []string) []byte {
	for _, value := range values {
		dst = AppendField(dst, name, value)
	}
	return dst
}

// AppendSwitch appends the 101 for the client to dst: the end-to-end headers of the endpoint's
// answer, Connection and Upgrade anew, and extra (such as Set-Cookie). It never has a length
// (RFC 9110 section 8.6).
func AppendSwitch(dst []byte, answer *http.Response, extra http.Header) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"...)
	dst = AppendFields(dst, "Upgrade", answer.Header["Upgrade"])
	for name, values := range endToEnd(answer.Header) {
		if name != "Content-Length" {
			dst = AppendFields(dst, name, values)
		}
	}
	for name, values := range extra {
		dst = AppendFields(dst, name, values)
	}
	return append(dst, "\r\n"...)
}
