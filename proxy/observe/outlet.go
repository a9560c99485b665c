package observe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// outletSize bounds the lines that wait, in bytes: some 3,000 ends of sessions.
	outletSize = 1 << 20
	// outletReserve is the part of it for lines of level Warn and above: what is worth knowing of a
	// storm must not drown in it.
	outletReserve = outletSize / 4
	// outletPause is the least time between two writes, so that a storm costs 200 of them a second
	// and not one for each line. The first line after a silence goes out at once.
	outletPause = 5 * time.Millisecond
	// outletSpare is the capacity, in bytes, that an idle Outlet may keep.
	outletSpare = 64 << 10
)

// Outlet lets log lines out without making anybody wait. A log goes into a pipe or a terminal, and
// whoever reads there may stop; every goroutine that logs would then stand still, and with an event
// loop all of its sockets. An Outlet takes lines into a bounded buffer, and one goroutine of its own
// writes them, many at a time and in order. When the buffer is full lines are dropped; as soon as
// there is room again a line tells how many. What waits when the process crashes is lost.
type Outlet struct {
	to      io.Writer
	handler slog.Handler
	wake    chan struct{} // there are lines
	closing chan struct{}
	done    chan struct{} // the last line is out

	mu     sync.Mutex
	lines  []byte // complete ones, that wait
	lost   int    // lines
	closed bool

	// Of the goroutine that writes alone.
	notices slog.Handler // tells what was lost,
	notice  bytes.Buffer // into this
}

// NewOutlet returns an Outlet to a writer. format makes the handler that formats lines, each of
// which it writes by one call. Close ends the Outlet.
func NewOutlet(to io.Writer, format func(io.Writer) slog.Handler) *Outlet {
	o := &Outlet{to: to, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	o.handler = outletHandler{format(o), o}
	o.notices = format(&o.notice)
	go o.run()
	return o
}

// Handler returns the handler for loggers.
func (o *Outlet) Handler() slog.Handler { return o.handler }

// Close lets out what waits and returns when that is done, or when the time is over. Lines that
// come later are dropped.
func (o *Outlet) Close(within time.Duration) {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.closing)
	}
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(within):
	}
}

// outletHandler drops records that the Outlet has no room for before they are formatted.
type outletHandler struct {
	slog.Handler
	outlet *Outlet
}

// Handle implements slog.Handler.
func (h outletHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.outlet.admits(r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h outletHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return outletHandler{h.Handler.WithAttrs(attrs), h.outlet}
}

// WithGroup implements slog.Handler.
func (h outletHandler) WithGroup(name string) slog.Handler {
	return outletHandler{h.Handler.WithGroup(name), h.outlet}
}

// admits reports whether there is room for a line of that level, and counts it as lost if not.
func (o *Outlet) admits(level slog.Level) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if level >= slog.LevelWarn || len(o.lines) < outletSize-outletReserve {
		return true // Write sees whether it really fits
	}
	o.lost++
	return false
}

// Write takes one complete line. It never blocks and never fails.
func (o *Outlet) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
	case len(o.lines)+len(line) > outletSize:
		o.lost++
	default:
		o.lines = append(o.lines, line...)
		select {
		case o.wake <- struct{}{}:
		default: // it is awake already
		}
	}
	return len(line), nil
}

// run writes what comes until the Outlet is closed, and then what is left.
func (o *Outlet) run() {
	defer close(o.done)
	var spare []byte
	for open := true; open; {
		select {
		case <-o.wake:
		case <-o.closing:
			open = false
		}
		lines, lost := o.take(spare)
		o.write(lines)
		if lost > 0 {
			o.tell(lost)
		}
		if spare = lines[:0]; cap(spare) > max(outletSpare, 4*len(lines)) {
			spare = nil // the storm is over
		}
		select {
		case <-time.After(outletPause):
		case <-o.closing:
		}
	}
}

// take returns the lines that wait and how many were lost, and gives room for the next.
func (o *Outlet) take(room []byte) (lines []byte, lost int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines, lost = o.lines, o.lost
	o.lines, o.lost = room, 0
	return lines, lost
}

// write writes lines. Those that could not be written are lost, and told when that goes again.
func (o *Outlet) write(lines []byte) {
	if len(lines) == 0 {
		return
	}
	n, err := o.to.Write(lines)
	if err == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost += bytes.Count(lines[n:], []byte("\n"))
}

// tell writes the line about lines that were lost, behind the last one that was not.
func (o *Outlet) tell(lost int) {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were lost: the log is not read as fast as it is written", 0)
	r.AddAttrs(slog.Int("lines", lost))
	if !o.notices.Enabled(context.Background(), r.Level) {
		return
	}
	o.notice.Reset()
	_ = o.notices.Handle(context.Background(), r) // into memory
	if _, err := o.to.Write(o.notice.Bytes()); err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.lost += lost
	}
}
