//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/wire"
)

// StreamParams say what Stream moves.
type StreamParams struct {
	Sockets int
	Frame   int  // bytes of payload of each frame
	Up      bool // from clients to the backend; otherwise down
}

// Stream moves large frames in one direction, as fast as the proxy takes them. What counts are the
// bytes that arrive behind it.
func Stream(ctx context.Context, g Rig, p StreamParams) (Figures, error) {
	path := PathDown(p.Frame)
	if p.Up {
		path = PathUp
	}
	u := &stream{}
	f := newFleet(g, path, tlsAtOnce)
	defer f.close()
	if err := f.open(ctx, p.Sockets, u); err != nil {
		return nil, err
	}
	arrived := func() int64 { return u.bytes }
	if p.Up {
		arrived = func() int64 { return g.Backend.swallowed }
		u.frame = wire.ClientFrame(wire.Payload(p.Frame))
		for _, s := range f.sockets {
			s.feed = u.pour
			g.later(s)
		}
	} else {
		for _, s := range f.sockets {
			s.discard = s.secure == nil // nobody looks into them
		}
	}
	var before, moved int64
	w := window{rig: g, begin: func() { before = arrived() }, end: func() { moved = arrived() - before }}
	if err := errors.Join(w.run(ctx, nil), u.err); err != nil {
		return nil, err
	}
	if moved == 0 {
		return nil, errors.New("nothing arrived")
	}
	return w.figures(Figures{
		"cpu_ms_per_gb": w.cpuPer(float64(moved)/1e9, time.Millisecond),
		"gb_per_s":      w.perSecond(moved) / 1e9,
	}), nil
}

// stream is the user of Stream's sockets.
type stream struct {
	frame []byte
	bytes int64
	err   error
}

func (u *stream) opened(*socket) {}

func (u *stream) data(_ *socket, b []byte) int {
	u.bytes += int64(len(b))
	return len(b)
}

func (u *stream) closed(s *socket, err error) {
	u.err = errors.Join(u.err, fmt.Errorf("socket %d was closed: %w", s.index, err))
}

// pour sends the frame again and again, until nothing more fits or the turn is over: plain bytes
// from where the kernel left off, so that they are not copied on the way, secure ones in records.
func (u *stream) pour(s *socket) error {
	for moved := 0; moved < turnBytes; {
		piece := u.frame[s.sent:min(len(u.frame), s.sent+turnBytes)]
		n, err := len(piece), error(nil)
		if s.secure != nil {
			err = s.transmit(piece)
		} else {
			n, err = send(s.fd, piece)
		}
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		s.sent = (s.sent + n) % len(u.frame)
		moved += n
		if len(s.out) > 0 { // until it is flushed
			return nil
		}
	}
	s.loop.later(s)
	return nil
}
