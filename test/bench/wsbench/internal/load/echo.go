//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// MessageSize is the payload of the messages of echo, rate and churn, in bytes.
const MessageSize = 128

// Echo is a closed loop: each socket sends its next message when the last one is back.
func Echo(ctx context.Context, g Rig, sockets int) (Figures, error) {
	payload := wire.Payload(MessageSize)
	e := &echo{frame: wire.ClientFrame(payload), back: wire.ServerFrame(payload)}
	f := newFleet(g, PathEcho, tlsAtOnce)
	defer f.close()
	if err := f.open(ctx, sockets, e); err != nil {
		return nil, err
	}
	for _, s := range f.sockets {
		e.ask(s)
	}
	var before, messages int64
	w := window{rig: g, begin: func() { before = e.messages }, end: func() { messages = e.messages - before }}
	if err := errors.Join(w.run(ctx, nil), e.err); err != nil {
		return nil, err
	}
	return w.figures(Figures{
		"cpu_us_per_message": w.cpuPer(float64(messages), time.Microsecond),
		"messages_per_s":     w.perSecond(messages),
	}), nil
}

// tlsAtOnce is how many TLS handshakes run at once while a mode opens its sockets.
const tlsAtOnce = 64

// echo is the user of Echo's sockets.
type echo struct {
	frame, back []byte
	messages    int64
	err         error
}

func (e *echo) ask(s *socket) {
	if err := s.transmit(e.frame); err != nil {
		s.fail(err)
	}
}

func (e *echo) opened(*socket) {}

func (e *echo) data(s *socket, b []byte) int {
	n := 0
	for ; len(b)-n >= len(e.back); n += len(e.back) {
		if !bytes.Equal(b[n:n+len(e.back)], e.back) {
			s.fail(fmt.Errorf("an echo is not what was sent: %x", b[n:n+len(e.back)]))
			return 0
		}
		e.messages++
		e.ask(s)
	}
	return n
}

func (e *echo) closed(s *socket, err error) {
	e.err = errors.Join(e.err, fmt.Errorf("socket %d was closed: %w", s.index, err))
}
