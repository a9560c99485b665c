package backend

import (
	"bufio"
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/fairlead/fairlead/proxy/handshake"
)

const (
	// maxHead bounds what is read for the head of an answer, interim answers included, in bytes.
	maxHead = 64 << 10
	// maxInterim bounds the interim answers (1xx other than 101) before the final one.
	maxInterim = 5
)

var (
	errHeadTooLarge = errors.New("the answer's head is larger than 64 KiB")
	errInterim      = errors.New("too many interim answers")
)

var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// source reads from an endpoint's connection, bounded while a head is read, and remembers what
// parsing forgets: whether anything came, and how the connection failed.
type source struct {
	conn  net.Conn
	ahead []byte // read before, and not yet given out
	left  int64  // bytes until errHeadTooLarge
	seen  bool
	err   error // the connection's own, not a parser's
}

// Read is [net.Conn.Read] within the bound, behind what was read ahead.
func (s *source) Read(p []byte) (n int, err error) {
	if s.left <= 0 {
		return 0, errHeadTooLarge
	}
	p = p[:min(int64(len(p)), s.left)]
	if len(s.ahead) > 0 {
		n = copy(p, s.ahead)
		s.ahead = s.ahead[n:]
	} else {
		n, err = s.conn.Read(p)
	}
	s.left -= int64(n)
	s.seen = s.seen || n > 0
	s.err = err
	return n, err
}

// converse sends head, which may be empty, and reads the answer to r; it closes the connection
// when that fails.
func converse(ctx context.Context, from *source, head []byte, r *Request, timeout time.Duration) (*Answer, error) {
	// Closing is the one thing that ends every blocked call on the connection, at once and for good.
	unwatch := context.AfterFunc(ctx, func() { _ = from.conn.Close() })
	answer, failure := exchange(from, head, r, timeout)
	if failure == nil && answer.Response.StatusCode != http.StatusSwitchingProtocols {
		answer.unwatch = unwatch
		return answer, nil
	}
	if !unwatch() {
		// The connection is closed or about to be: the 101, if there was one, is worth nothing.
		failure = ClientGone(context.Cause(ctx))
	}
	if failure != nil {
		_ = from.conn.Close()
		return nil, failure
	}
	return answer, nil
}

// exchange sends head and reads the answer's head within timeout (0: off). On success the
// connection has no deadline. It never closes the connection.
func exchange(from *source, head []byte, r *Request, timeout time.Duration) (*Answer, *Failure) {
	if timeout > 0 {
		// A connection that refuses a deadline is closed; the next call on it says so.
		_ = from.conn.SetDeadline(time.Now().Add(timeout))
	}
	if len(head) > 0 {
		if _, from.err = from.conn.Write(head); from.err != nil {
			return nil, broken(from, r, timeout, from.err)
		}
	}
	reader := readers.Get().(*bufio.Reader)
	reader.Reset(from)
	response, err := readHead(reader, r.Method) //nolint:bodyclose // the body lasts until Answer.Close
	if err != nil {
		putReader(reader)
		return nil, broken(from, r, timeout, err)
	}
	from.left = math.MaxInt64
	_ = from.conn.SetDeadline(time.Time{})
	answer := &Answer{Response: response, Conn: from.conn}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return answer, nil // the body needs the reader, for as long as somebody reads
	}
	answer.Rest = make([]byte, reader.Buffered()+len(from.ahead))
	// Exactly what is buffered, so this neither blocks nor fails.
	_, _ = reader.Read(answer.Rest[:reader.Buffered()])
	copy(answer.Rest[len(answer.Rest)-len(from.ahead):], from.ahead)
	putReader(reader)
	if refusal := handshake.CheckAnswer(response, r.Upgrade, r.Key); refusal != nil {
		return nil, &Failure{Refusal: refusal}
	}
	return answer, nil
}

// putReader gives a reader back, without its connection.
func putReader(reader *bufio.Reader) {
	reader.Reset(nil)
	readers.Put(reader)
}

// readHead reads up to the end of the first head that is not interim (RFC 9110 section 15.2).
func readHead(reader *bufio.Reader, method string) (*http.Response, error) {
	request := &http.Request{Method: method} // tells whether the answer has a body
	for range maxInterim + 1 {
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode >= http.StatusOK || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
	return nil, errInterim
}

// broken says what became of an exchange that gave no answer; err is what stopped it.
func broken(from *source, r *Request, timeout time.Duration, err error) *Failure {
	switch {
	case errors.Is(from.err, os.ErrDeadlineExceeded):
		return r.NotAnswered(timeout, from.seen, from.err)
	case from.err != nil:
		return r.NotAnswered(timeout, from.seen, err)
	}
	return badAnswer(err)
}
