package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// mostHead bounds the head of an answer.
	mostHead = 64 << 10
	// mostBody bounds what is read of its content, which is only looked at for hints.
	mostBody = 8 << 10
	// bodyTimeout bounds the time for that: a stream would never end.
	bodyTimeout = 2 * time.Second
	// mostInformational bounds the 1xx answers before the real one.
	mostInformational = 5
)

// readAnswer reads the head of the answer, and the beginning of its content when it is no 101.
func (t *trial) readAnswer(ctx context.Context) Finding {
	done := t.step(StepAnswer)
	defer t.bounded(ctx, t.o.Timeout)()
	var saw []string
	for range mostInformational {
		head, err := readHead(t.in)
		if err != nil {
			finding, line := t.noAnswer(head, err)
			done(false, append(saw, line)...)
			return t.fails(finding, err)
		}
		r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodGet})
		if err != nil {
			t.report.seen.raw = head
			done(false, append(saw, fmt.Sprintf("no HTTP: %v", err), fmt.Sprintf("%q", head[:min(len(head), 64)]))...)
			return t.fails(NotHTTP, err)
		}
		_ = r.Body.Close()
		saw = append(saw, headLines(r)...)
		if r.StatusCode/100 == 1 && r.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		a := &Answer{Proto: r.Proto, Status: r.StatusCode, Header: r.Header}
		_, phrase, _ := strings.Cut(r.Status, " ")
		a.Phrase = printable(phrase)
		t.report.Answer = a
		if r.StatusCode != http.StatusSwitchingProtocols {
			a.Body = t.readBody(ctx, head)
			saw = append(saw, bodyLines(a)...)
		}
		a.By = parties(a, t.report.seen.chain)
		done(r.StatusCode == http.StatusSwitchingProtocols, saw...)
		return Works
	}
	done(false, saw...)
	return t.fails(NotHTTP, errors.New("nothing but informational answers"))
}

// readHead reads to the empty line. What was read stands in head also when that failed.
func readHead(in *bufio.Reader) (head []byte, err error) {
	// What is no HTTP may have no line breaks: it must not be waited for.
	if start, _ := in.Peek(len("HTTP/")); len(start) == len("HTTP/") && string(start) != "HTTP/" {
		start, _ = in.Peek(min(in.Buffered(), 64))
		return bytes.Clone(start), errNotHTTP
	}
	for len(head) < mostHead {
		line, err := in.ReadSlice('\n')
		head = append(head, line...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return head, err
		}
		if len(head) > len(line) && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return head, nil
		}
	}
	return head, fmt.Errorf("the head of the answer is longer than %d bytes", mostHead)
}

var errNotHTTP = errors.New("the answer is no HTTP/1.1")

// noAnswer says what it means that no head came.
func (t *trial) noAnswer(got []byte, err error) (finding Finding, saw string) {
	t.report.seen.raw = got
	if alert := remoteAlert(err); alert != 0 {
		t.report.seen.alert = alert
		return ClientCertNeeded, fmt.Sprintf("the server ended TLS with an alert: %v", rootCause(err))
	}
	switch {
	case isTLSRecord(got):
		return NeedsTLS, fmt.Sprintf("%q: that is a TLS alert", got[:min(len(got), 8)])
	case isHTTP2(got):
		return HTTP2Only, fmt.Sprintf("%q: that is a frame of HTTP/2", got[:min(len(got), 16)])
	case errors.Is(err, errNotHTTP), len(got) > 0:
		return NotHTTP, fmt.Sprintf("no HTTP but %q", got[:min(len(got), 64)])
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return NoAnswer, fmt.Sprintf("none within %v", t.o.Timeout)
	}
	return ClosedEarly, "none: the server ended the connection: " + how(err)
}

// isTLSRecord reports whether p begins with an alert or handshake record (RFC 8446 section 5.1).
func isTLSRecord(p []byte) bool {
	return len(p) >= 2 && (p[0] == 21 || p[0] == 22) && p[1] == 3
}

// isHTTP2 reports whether p begins with a SETTINGS or GOAWAY frame on stream 0 (RFC 9113 section 4.1).
func isHTTP2(p []byte) bool {
	return len(p) >= 9 && p[0] == 0 && (p[3] == 4 || p[3] == 7) && bytes.Equal(p[5:9], []byte{0, 0, 0, 0})
}

// how says how a connection ended.
func how(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "closed (FIN)"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "closed (FIN, without the close_notify of TLS)"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset (RST)"
	}
	return rootCause(err).Error()
}

// readBody reads the beginning of the content that follows head.
func (t *trial) readBody(ctx context.Context, head []byte) string {
	defer t.bounded(ctx, min(bodyTimeout, t.o.Timeout))()
	r, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), t.in)), &http.Request{Method: http.MethodGet})
	if err != nil {
		return ""
	}
	defer r.Body.Close()                                    //nolint:errcheck // the connection is given up anyway
	body, _ := io.ReadAll(io.LimitReader(r.Body, mostBody)) // what came before an error is of use
	return text(body)
}

// headLines are the lines of a head, sorted as they have no order that counts.
func headLines(r *http.Response) []string {
	lines := []string{printable(r.Proto + " " + r.Status)}
	const most = 30
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if len(lines) > most {
				return append(lines, "…")
			}
			if value = secret(name, value); len(value) > 200 {
				value = value[:200] + "…"
			}
			lines = append(lines, printable(name)+": "+value)
		}
	}
	return lines
}

// title finds the title of a page.
var title = regexp.MustCompile(`(?is)<title[^>]*>\s*([^<]{0,200}?)\s*</title>`)

// bodyLines are the first lines of a content, of a page its title.
func bodyLines(a *Answer) []string {
	if m := title.FindStringSubmatch(a.Body); m != nil && a.isPage() {
		return []string{"| a page with the title: " + strings.Join(strings.Fields(m[1]), " ")}
	}
	var lines []string
	const most, width = 6, 160
	for line := range strings.Lines(a.Body) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(lines) == most {
			return append(lines, "| …")
		}
		if len(line) > width {
			line = strings.ToValidUTF8(line[:width], "") + "…"
		}
		lines = append(lines, "| "+line)
	}
	return lines
}

// text makes a content readable: valid UTF-8, no control characters but line breaks.
func text(p []byte) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(string(p), "\uFFFD")) {
		b.WriteString(printable(strings.TrimRight(line, "\r\n")))
		b.WriteByte('\n')
	}
	return b.String()
}

// printable replaces what could play tricks with a terminal.
func printable(s string) string {
	clean := func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}
	return strings.Map(clean, s)
}
