package handshake

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// What is read without net/http is bounded more tightly than what net/http reads: it is the
// ordinary that is to be fast.
const (
	maxSize  = 8 << 10 // bytes of a head
	maxLines = 100     // header lines of a head
)

// measure returns the size in bytes of the head that p begins with, its blank line included, and
// the number of its header lines. A size of 0 with more means that p ends before the head does;
// without more the head is not an ordinary one: too large, or a line does not end in CR LF.
func measure(p []byte) (size, lines int, more bool) {
	bounded := p[:min(len(p), maxSize)]
	for lines = -1; lines <= maxLines; lines++ { // the first line is no header line
		end := bytes.IndexByte(bounded[size:], '\n')
		switch {
		case end < 0:
			return 0, 0, len(p) < maxSize
		case end == 0 || bounded[size+end-1] != '\r' || end == 1 && lines < 0:
			return 0, 0, false
		}
		size += end + 1
		if end == 1 {
			return size, lines, false
		}
	}
	return 0, 0, false
}

// fields are header fields, in memory that is used again.
type fields struct {
	header http.Header
	values []string // what the lists in header are parts of: one allocation for all
}

// read reads header lines as net/http does. They are those that [measure] counted, up to and
// without the blank line. It returns nil for lines that net/http refuses or treats specially.
func (f *fields) read(text string, lines int) http.Header {
	if f.header == nil {
		f.header = make(http.Header, lines)
	}
	if cap(f.values) < lines {
		f.values = make([]string, 0, lines)
	}
	clear(f.header)
	header, values := f.header, f.values[:0]
	for text != "" {
		end := strings.IndexByte(text, '\n')
		name, value, found := strings.Cut(text[:end-1], ":")
		text = text[end+1:]
		name = canonical(name)
		if !found || name == "" || !isValue(value) || framing(name) {
			return nil
		}
		values = append(values, textproto.TrimString(value)) // it has no line breaks
		if held := header[name]; held != nil {
			header[name] = append(held, values[len(values)-1])
			continue
		}
		// Clipped, so that an append to one name's values can't reach the next name's.
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if header["Pragma"] != nil && header["Cache-Control"] == nil {
		return nil // net/http makes the one from the other
	}
	return header
}

// framing reports whether a header says where content begins or ends: a head with one has content,
// or may have.
func framing(name string) bool {
	switch name {
	case "Content-Length", "Expect", "Trailer", "Transfer-Encoding":
		return true
	}
	return false
}

// spellings has the canonical form of names that are often spelled in another way: it need not be
// made anew.
var spellings = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Cookie", "Date",
		"Forwarded", "Host", "Keep-Alive", "Origin", "Pragma", "Server", "Set-Cookie", "Upgrade", "User-Agent", "Via", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id", "Traceparent",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Websocket-Accept", "Sec-Websocket-Extensions",
		"Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
	} {
		m[strings.ToLower(name)] = name
		if rest, ok := strings.CutPrefix(name, keptPrefix); ok {
			m[rfcPrefix+rest] = name
		}
	}
	m["DNT"], m["X-Real-IP"], m["X-Request-ID"] = "Dnt", "X-Real-Ip", "X-Request-Id"
	return m
}()

// canonical returns the name in the form in which net/http keeps it, or "" when it is no token.
func canonical(name string) string {
	already, initial := true, true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			already = already && !initial
		case 'A' <= c && c <= 'Z':
			already = already && initial
		case !httpguts.IsTokenRune(rune(c)):
			return ""
		}
		initial = c == '-'
	}
	if already {
		return name
	}
	if known := spellings[name]; known != "" {
		return known
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// isValue reports whether s has only bytes that a header's value may have (RFC 9110 section 5.5).
func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
