package fleet

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// How a socket ended, as its client saw it.
type How string

// The ways in which sockets end.
const (
	Closed  How = "close"   // a Close frame came
	Reset   How = "reset"   // TCP said that the connection is no more
	Cut     How = "cut"     // the connection ended, and no Close frame had come
	Silence How = "silence" // nothing came any more
	Wrong   How = "wrong"   // an echo was not what had been sent: lost, doubled or out of order
	Left    How = "left"    // the client itself went
)

// End is the end of one socket, and what became of its client.
type End struct {
	Client     int
	Pod        string
	Replica    string
	How        How
	Code       int    // of the Close frame
	Text       string // of the Close frame, or of the error
	Opened, At time.Time
	// Worked is when the socket worked for the last time: At, but for Silence the moment of the first message without an echo.
	Worked     time.Time
	Unanswered int // messages without an echo

	Back                 time.Time // when an echo came on the client's next socket; zero: not yet
	NextPod, NextReplica string
}

// Gap is how long the client was away; ok is false while it still is.
func (e End) Gap() (gap time.Duration, ok bool) { return e.Back.Sub(e.Worked), !e.Back.IsZero() }

// word names the end in one word: the code of a Close frame, or how else it came.
func (e End) word() string {
	if e.How == Closed {
		return strconv.Itoa(e.Code)
	}
	return string(e.How)
}

// Refusal is a handshake that led to no socket.
type Refusal struct {
	Client int
	At     time.Time
	What   string // the status and the reason of an answer, or what was the matter with the connection
}

// judge says how a socket ended whose read failed with err.
func judge(err error) (how How, code int, text string) {
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, errLeft):
		return Left, 0, ""
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return Closed, closed.Code, closed.Text
	case errors.Is(err, errEcho):
		return Wrong, 0, err.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Silence, 0, err.Error()
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset, 0, err.Error()
	default:
		return Cut, 0, err.Error()
	}
}

// explain says in a few words, which are alike for what is alike, why a handshake failed.
func explain(err error, status string, body []byte) string {
	var timeout net.Error
	switch {
	case status != "" && errors.Is(err, websocket.ErrBadHandshake):
		reason, _, _ := strings.Cut(string(body), ":") // Fairlead's refusals begin with their reason
		if reason, _, _ = strings.Cut(reason, "\n"); len(reason) > 40 {
			reason = reason[:40]
		}
		return strings.TrimSpace(status + " " + reason)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way there"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	default:
		return err.Error()
	}
}
