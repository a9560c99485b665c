package tunnel_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
)

// What two ends say to each other in the long stories: messages that tell whose they are, which in
// the row, and their checksum. Whatever is lost, doubled, changed, or ends up in another tunnel is
// found out by whoever reads it.

// The opcodes of RFC 6455 section 5.2.
const (
	opContinue = 0x0
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
	fin        = 0x80
)

// A message begins with the number of its conversation, its place in the row and the checksum of
// all else. An empty message counts for the row too.
const labelSize = 8 + 8 + 4

// longest is the biggest message of a conversation.
const longest = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// noise is what messages are filled with.
var noise = func() []byte {
	p := make([]byte, longest+1<<16)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(p)
	return p
}()

// checksum is that of a message that begins with its label.
func checksum(message []byte) uint32 {
	return crc32.Update(crc32.Checksum(message[:16], castagnoli), castagnoli, message[labelSize:])
}

// speaker makes the frames of one direction.
type speaker struct {
	*rand.Rand
	id     uint64
	masked bool

	messages, pings uint64
	made, bytes     uint64 // in frames, and written of that
	out             []byte // not written yet
	body            []byte
}

func newSpeaker(id uint64, masked bool) *speaker {
	return &speaker{Rand: rand.New(rand.NewPCG(id, uint64(len(noise)))), id: id, masked: masked}
}

// anySize is mostly small: one in 16 is empty, one in 5,000 has up to 1 MiB.
func (s *speaker) anySize() int {
	switch n := s.IntN(5000); {
	case n == 0:
		return s.IntN(longest)
	case n < 50:
		return s.IntN(64 << 10)
	case n < 500:
		return s.IntN(4 << 10)
	case n%16 == 0:
		return 0
	}
	return s.IntN(256)
}

// message makes a message of about this size, in one frame or several.
func (s *speaker) message(size int) {
	number := s.messages
	if size == 0 {
		s.pass(nil)
		return
	}
	body := binary.BigEndian.AppendUint64(s.body[:0], s.id)
	body = binary.BigEndian.AppendUint64(body, number)
	body = append(body, 0, 0, 0, 0)
	if rest := min(size, longest) - labelSize; rest > 0 {
		from := s.IntN(len(noise) - rest)
		body = append(body, noise[from:from+rest]...)
	}
	binary.BigEndian.PutUint32(body[16:], checksum(body))
	s.body = body
	s.pass(body)
}

// pass makes the frames of a message. One in eight is fragmented, with a Ping between.
func (s *speaker) pass(body []byte) {
	s.messages++
	first := byte(opBinary)
	for s.IntN(8) == 0 && len(body) > 0 {
		n := s.IntN(len(body))
		s.frame(first, body[:n])
		body, first = body[n:], opContinue
		s.ping()
	}
	s.frame(fin|first, body)
}

func (s *speaker) ping() {
	s.pings++
	p := binary.BigEndian.AppendUint64(nil, s.id)
	s.frame(fin|opPing, binary.BigEndian.AppendUint64(p, s.pings))
}

func (s *speaker) close(code uint16) {
	s.frame(fin|opClose, binary.BigEndian.AppendUint16(nil, code))
}

// frame appends a frame, with the shortest length (RFC 6455 section 5.2).
func (s *speaker) frame(first byte, payload []byte) {
	before := len(s.out)
	defer func() { s.made += uint64(len(s.out) - before) }()
	var mask byte
	if s.masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		s.out = append(s.out, first, mask|byte(n))
	case n < 1<<16:
		s.out = binary.BigEndian.AppendUint16(append(s.out, first, mask|126), uint16(n))
	default:
		s.out = binary.BigEndian.AppendUint64(append(s.out, first, mask|127), uint64(n))
	}
	var key [4]byte
	if s.masked {
		binary.LittleEndian.PutUint32(key[:], s.Uint32())
		s.out = append(s.out, key[:]...)
	}
	at := len(s.out)
	s.out = append(s.out, payload...)
	xor(s.out[at:], key)
}

// flush writes what was made: mostly at once, sometimes in pieces that respect no frame.
func (s *speaker) flush(w io.Writer) error {
	out := s.out
	s.out = out[:0]
	for len(out) > 0 {
		n := len(out)
		if s.IntN(4) == 0 {
			n = 1 + s.IntN(n)
		}
		if _, err := w.Write(out[:n]); err != nil {
			return err
		}
		s.bytes += uint64(n)
		out = out[n:]
	}
	return nil
}

// xor masks or unmasks a payload (RFC 6455 section 5.3).
func xor(p []byte, key [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(key[:]))
	if word == 0 {
		return
	}
	word |= word << 32
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^word)
	}
	for i := range p {
		p[i] ^= key[i%4]
	}
}

// listener reads the frames of one direction and checks all that they say.
type listener struct {
	in     *bufio.Reader
	id     uint64
	masked bool

	asked    bool // the proxy may send Pings of its own, which have no number
	messages uint64
	controls [2]uint64 // Pings and Pongs
	bytes    uint64
	message  []byte
	inside   bool // a message
	control  [125]byte
}

func newListener(r io.Reader, id uint64, masked bool) *listener {
	return &listener{in: bufio.NewReaderSize(r, 32<<10), id: id, masked: masked}
}

// errWrong says that the stream is not what was said.
var errWrong = errors.New("wrong bytes")

// next returns the next whole message, of which kind is opBinary, or control frame. What it returns
// is right.
func (l *listener) next() (kind byte, payload []byte, err error) {
	for {
		first, size, key, err := l.head()
		if err != nil {
			return 0, nil, err
		}
		opcode := first & 0x0f
		if opcode >= opClose {
			payload = l.control[:min(size, len(l.control))]
			if err := l.payload(payload, key); err != nil {
				return 0, nil, err
			}
			return opcode, payload, l.checkControl(opcode, payload)
		}
		if opcode > opBinary || l.inside != (opcode == opContinue) || len(l.message)+size > longest {
			return 0, nil, fmt.Errorf("%w: head %#x with %d bytes", errWrong, first, size)
		}
		at := len(l.message)
		l.message = append(l.message, make([]byte, size)...)
		if err := l.payload(l.message[at:], key); err != nil {
			return 0, nil, err
		}
		if l.inside = first&fin == 0; !l.inside {
			payload, l.message = l.message, l.message[:0]
			return opBinary, payload, l.check(payload)
		}
	}
}

// head reads the head of a frame.
func (l *listener) head() (first byte, size int, key [4]byte, err error) {
	var h [8]byte
	if _, err := io.ReadFull(l.in, h[:2]); err != nil {
		return 0, 0, key, err
	}
	first, size = h[0], int(h[1]&0x7f)
	if l.masked != (h[1]&0x80 != 0) {
		return 0, 0, key, fmt.Errorf("%w: head % x", errWrong, h[:2])
	}
	l.bytes += 2
	long := 0
	switch size {
	case 126:
		long = 2
	case 127:
		long = 8
	}
	if long > 0 {
		if _, err := io.ReadFull(l.in, h[8-long:]); err != nil {
			return 0, 0, key, err
		}
		clear(h[:8-long])
		size = int(binary.BigEndian.Uint64(h[:]))
	}
	l.bytes += uint64(long)
	if l.masked {
		_, err = io.ReadFull(l.in, key[:])
		l.bytes += 4
	}
	return first, size, key, err
}

func (l *listener) payload(p []byte, key [4]byte) error {
	n, err := io.ReadFull(l.in, p)
	l.bytes += uint64(n)
	xor(p, key)
	return err
}

// check checks a whole message.
func (l *listener) check(message []byte) error {
	number := l.messages
	l.messages++
	if len(message) == 0 {
		return nil
	}
	if len(message) < labelSize {
		return fmt.Errorf("%w: a message of %d bytes", errWrong, len(message))
	}
	id, is := binary.BigEndian.Uint64(message), binary.BigEndian.Uint64(message[8:])
	if id != l.id || is != number || binary.BigEndian.Uint32(message[16:]) != checksum(message) {
		return fmt.Errorf("%w: message %d of conversation %d, want %d of %d, of %d bytes", errWrong, is, id, number, l.id, len(message))
	}
	return nil
}

// checkControl checks the number of a Ping or its Pong.
func (l *listener) checkControl(opcode byte, payload []byte) error {
	if opcode == opClose || l.asked && len(payload) == 8 {
		return nil
	}
	number := &l.controls[(opcode-opPing)&1]
	*number++
	if len(payload) != 16 || binary.BigEndian.Uint64(payload) != l.id || binary.BigEndian.Uint64(payload[8:]) != *number {
		return fmt.Errorf("%w: opcode %#x with % x, want number %d of conversation %d", errWrong, opcode, payload, *number, l.id)
	}
	return nil
}

// echo is an endpoint that sends every message back, answers Pings and the Close frame. It returns
// what ended the conversation, nil after a Close frame.
func echo(c io.ReadWriter, id uint64) error {
	in, out := newListener(c, id, true), newSpeaker(id, false)
	in.asked = true
	for {
		kind, payload, err := in.next()
		if err != nil {
			return err
		}
		switch kind {
		case opBinary:
			out.pass(payload)
		case opPing:
			out.frame(fin|opPong, payload)
		case opClose:
			out.frame(fin|opClose, payload)
		}
		if kind == opClose || len(out.out) > 32<<10 || in.in.Buffered() == 0 {
			if err := out.flush(c); err != nil {
				return err
			}
		}
		if kind == opClose {
			return nil
		}
	}
}

// hearAll reads what comes back until the Close frame.
func hearAll(c io.Reader, id uint64) (*listener, error) {
	in := newListener(c, id, false)
	in.asked = true
	for {
		if kind, _, err := in.next(); err != nil || kind == opClose {
			return in, err
		}
	}
}
