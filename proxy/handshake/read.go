package handshake

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	requestStart = "GET /"
	requestEnd   = " HTTP/1.1"
	switchStart  = "HTTP/1.1 101"
)

// Reader reads heads one after the other and uses its memory again: a storm of handshakes should not
// keep the collector busy. What it returns is good until it reads the next of the same kind; strings
// are good for ever.
type Reader struct {
	request  http.Request
	location url.URL
	answer   http.Response
	asked    fields
	answered fields
}

// ReadRequest is [Reader.ReadRequest] with a Reader of its own.
func ReadRequest(p []byte) (r *http.Request, size int) { return new(Reader).ReadRequest(p) }

// ReadSwitch is [Reader.ReadSwitch] with a Reader of its own.
func ReadSwitch(p []byte) (answer *http.Response, size int, more bool) {
	return new(Reader).ReadSwitch(p)
}

// ReadRequest reads the head at the beginning of p when it is that of an ordinary WebSocket opening
// request, all of it: GET with a path, HTTP/1.1, one Host, and nothing that hints at content. Such a
// head net/http's server accepts, and gives its handler a request with the same fields; RemoteAddr
// and TLS are the caller's to set. size is the length of the head in bytes; what follows it belongs
// to the next stage. The request holds nothing of p.
//
// nil means that the head is incomplete, or is net/http's to judge. What RFC 6455 wants beyond
// "Upgrade: websocket" is for [Check].
func (r *Reader) ReadRequest(p []byte) (request *http.Request, size int) {
	if !bytes.HasPrefix(p, []byte(requestStart)) {
		return nil, 0
	}
	size, lines, _ := measure(p)
	if size == 0 {
		return nil, 0
	}
	first, rest := cutHead(p[:size])
	uri, ok := strings.CutSuffix(first[len(requestStart)-1:], requestEnd)
	if !ok {
		return nil, 0
	}
	if !r.readURI(uri) {
		return nil, 0
	}
	header := r.asked.read(rest, lines)
	hosts := header["Host"]
	if len(hosts) != 1 || hosts[0] == "" || !httpguts.ValidHostHeader(hosts[0]) {
		return nil, 0
	}
	delete(header, "Host")
	if !switches(header) || len(header["Upgrade"]) != 1 || !strings.EqualFold(header["Upgrade"][0], WebSocket) {
		return nil, 0
	}
	r.request = http.Request{
		Method: http.MethodGet, URL: &r.location, RequestURI: uri, Host: hosts[0],
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: http.NoBody,
	}
	return &r.request, size
}

// ReadSwitch reads the head at the beginning of p, which is what came from an endpoint so far, when
// it is that of an ordinary 101. The answer has the fields that [http.ReadResponse] gives it, for no
// request in particular; size is the length of the head in bytes. The answer holds nothing of p.
// Whether it is the right answer is for [CheckAnswer].
//
// Without an answer, more says that p may be the beginning of one: read on. Otherwise it is
// net/http's to judge.
func (r *Reader) ReadSwitch(p []byte) (answer *http.Response, size int, more bool) {
	if start := p[:min(len(p), len(switchStart))]; string(start) != switchStart[:len(start)] {
		return nil, 0, false
	}
	size, lines, more := measure(p)
	if size == 0 {
		return nil, 0, more
	}
	first, rest := cutHead(p[:size])
	status := first[len("HTTP/1.1 "):]
	if len(status) > len("101") && status[len("101")] != ' ' {
		return nil, 0, false
	}
	header := r.answered.read(rest, lines)
	if !switches(header) {
		return nil, 0, false
	}
	r.answer = http.Response{
		Status: status, StatusCode: http.StatusSwitchingProtocols,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: http.NoBody,
	}
	return &r.answer, size, false
}

// cutHead copies a head that [measure] measured and returns its first line and its header lines.
func cutHead(p []byte) (first, rest string) {
	head := string(p[:len(p)-len("\r\n")])
	end := strings.IndexByte(head, '\n')
	return head[:end-1], head[end+1:]
}

// switches reports whether Connection names Upgrade and does not close the connection, which would
// mean more to net/http than the header alone.
func switches(h http.Header) bool {
	connection := h["Connection"]
	return httpguts.HeaderValuesContainsToken(connection, "upgrade") &&
		!httpguts.HeaderValuesContainsToken(connection, "close")
}

// readURI reads an origin-form (RFC 9112 section 3.2.1) as net/http does; false: it is none.
func (r *Reader) readURI(uri string) bool {
	path, query, asked := strings.Cut(uri, "?")
	if isPlainPath(path) && isVisible(query) && asked == (query != "") {
		r.location = url.URL{Path: path, RawQuery: query}
		return true
	}
	if strings.Contains(uri, " ") {
		return false // url.ParseRequestURI lets it pass
	}
	location, err := url.ParseRequestURI(uri)
	if err != nil {
		return false
	}
	r.location = *location
	return true
}

// isPlainPath reports whether a path has only characters that url.URL keeps as they are.
func isPlainPath(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '/', c == '-', c == '_', c == '.', c == '~', c == ':', c == '@', c == '=':
		default:
			return false
		}
	}
	return true
}

// isVisible reports whether s has only visible ASCII characters.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
