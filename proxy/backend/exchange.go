package backend

import (
	"bufio"
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
	conn net.Conn
	left int64 // bytes until errHeadTooLarge
	seen bool
	err  error // the connection's own, not a parser's
}

// Read is [net.Conn.Read] within the bound.
func (s *source) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := s.conn.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	s.seen = s.seen || n > 0
	s.err = err
	return n, err
}

// exchange sends the request and reads the answer's head within timeout (0: off). On success the
// connection has no deadline. It never closes the connection.
func exchange(conn net.Conn, r *Request, head []byte, timeout time.Duration) (*Answer, *Failure) {
	if timeout > 0 {
		// A connection that refuses a deadline is closed; the write says so.
		_ = conn.SetDeadline(time.Now().Add(timeout))
	}
	from := &source{conn: conn, left: maxHead}
	if _, from.err = conn.Write(head); from.err != nil {
		return nil, broken(from, r, timeout, from.err)
	}
	reader := readers.Get().(*bufio.Reader)
	reader.Reset(from)
	response, err := readHead(reader, r.Method) //nolint:bodyclose // the body lasts until Answer.Close
	if err != nil {
		putReader(reader)
		return nil, broken(from, r, timeout, err)
	}
	from.left = math.MaxInt64
	_ = conn.SetDeadline(time.Time{})
	answer := &Answer{Response: response, Conn: conn}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return answer, nil // the body needs the reader, for as long as somebody reads
	}
	// Exactly what is buffered, so this neither blocks nor fails.
	answer.Rest = make([]byte, reader.Buffered())
	_, _ = reader.Read(answer.Rest)
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
		return handshakeTimeout(timeout, err)
	case from.err != nil:
		return endpointReset(!from.seen && r.repeatable(), err)
	}
	return badAnswer(err)
}
