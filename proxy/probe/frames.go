package probe

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
)

// The opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// mostPayload is what is kept of a frame's payload; more is read and dropped.
const mostPayload = 64 << 10

// received is a frame, or the error that ended the reading.
type received struct {
	op         byte
	final      bool
	compressed bool
	payload    []byte // its first mostPayload bytes
	size       uint64
	at         time.Time
	err        error
}

// errNoFrame is wrapped by errors that say how bytes break the framing.
var errNoFrame = errors.New("no WebSocket frame")

// listen reads frames until the connection ends, each into frames, which it closes.
func listen(in *bufio.Reader, extensions bool, frames chan<- received, done chan<- struct{}) {
	defer close(done)
	defer close(frames)
	for {
		f := readFrame(in, extensions)
		f.at = time.Now()
		frames <- f
		if f.err != nil {
			return
		}
	}
}

// readFrame reads a frame and judges it as a client must (RFC 6455 section 5.1 and 5.2).
func readFrame(in *bufio.Reader, extensions bool) (f received) {
	var head [10]byte
	if _, f.err = io.ReadFull(in, head[:2]); f.err != nil {
		return f
	}
	f.final, f.op = head[0]&0x80 != 0, head[0]&0x0f
	f.compressed = head[0]&0x40 != 0
	switch rest, _ := in.Peek(min(in.Buffered(), 30)); {
	case head[0]&0x70 != 0 && !extensions, head[0]&0x30 != 0:
		f.err = fmt.Errorf("%w: reserved bits are set though no extension was agreed on; it begins with %q", errNoFrame, append(head[:2:2], rest...))
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		f.err = fmt.Errorf("%w: opcode %d does not exist; it begins with %q", errNoFrame, f.op, append(head[:2:2], rest...))
	case head[1]&0x80 != 0:
		f.err = fmt.Errorf("%w of a server: it is masked; it begins with %q", errNoFrame, append(head[:2:2], rest...))
	}
	if f.err != nil {
		return f
	}
	f.size = uint64(head[1])
	switch f.size {
	case 126:
		_, f.err = io.ReadFull(in, head[2:4])
		f.size = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, f.err = io.ReadFull(in, head[2:10])
		f.size = binary.BigEndian.Uint64(head[2:])
	}
	if f.err != nil || f.size>>63 != 0 {
		return f.broken()
	}
	f.payload = make([]byte, min(f.size, mostPayload))
	if _, f.err = io.ReadFull(in, f.payload); f.err == nil {
		_, f.err = io.CopyN(io.Discard, in, int64(f.size)-int64(len(f.payload))) //nolint:gosec // bounded above
	}
	return f.broken()
}

// broken makes an end inside a frame look like none between two.
func (f received) broken() received {
	if errors.Is(f.err, io.EOF) {
		f.err = io.ErrUnexpectedEOF
	}
	if f.size>>63 != 0 {
		f.err = fmt.Errorf("%w: its length has the highest bit set", errNoFrame)
	}
	return f
}

// closing returns what a Close frame says.
func (f received) closing() (code int, reason string) {
	if len(f.payload) < 2 {
		return frame.NoStatus, ""
	}
	return int(binary.BigEndian.Uint16(f.payload)), printable(string(f.payload[2:]))
}

// describe says what a frame is.
func (f received) describe() string {
	switch f.op {
	case opPing:
		return "a Ping"
	case opPong:
		return "a Pong"
	case opClose:
		return "Close " + closeText(f.closing())
	case opBinary:
		return fmt.Sprintf("a binary message of %d bytes", f.size)
	case opContinuation:
		return fmt.Sprintf("a further part of a message, of %d bytes", f.size)
	}
	if f.compressed {
		return fmt.Sprintf("a compressed text message of %d bytes", f.size)
	}
	const most = 100
	shown := printable(string(f.payload[:min(len(f.payload), most)]))
	if f.size > most {
		return fmt.Sprintf("a text message of %d bytes: %s…", f.size, shown)
	}
	return "a text message: " + shown
}

func closeText(code int, reason string) string {
	s := fmt.Sprint(code)
	if code == frame.NoStatus {
		s = "without a code"
	}
	if reason != "" {
		s += fmt.Sprintf(" %q", reason)
	}
	return s
}

func maskingKey() *[4]byte {
	key := new([4]byte)
	_, _ = rand.Read(key[:]) // never fails
	return key
}

// appendMessage appends a masked frame with a whole message or control frame.
func appendMessage(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	key := maskingKey()
	dst = append(dst, key[:]...)
	for i, b := range payload {
		dst = append(dst, b^key[i%4])
	}
	return dst
}
