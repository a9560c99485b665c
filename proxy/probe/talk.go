package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
)

// leaveTimeout bounds the wait for the answer to the probe's Close.
const leaveTimeout = 3 * time.Second

// ending is how the other end left.
type ending struct {
	by   endedBy
	code int // of a Close frame
	text string
	err  error
}

type endedBy string

const (
	byClose endedBy = "Close"
	byFIN   endedBy = "FIN"
	byRST   endedBy = "RST"
	byOther endedBy = "other"
)

func (e ending) String() string {
	switch e.by {
	case byClose:
		return "a Close frame " + closeText(e.code, e.text)
	case byFIN:
		return "the end of the TCP connection (FIN)"
	case byRST:
		return "a reset of the TCP connection (RST)"
	}
	return how(e.err)
}

// conversation is what was heard since a question.
type conversation struct {
	token    []byte // of the Ping that is to be answered
	answered bool   // by its Pong
	pongs    int    // how many of them came
	frames   int
	messages int
	saw      []string
}

// question sends a Ping, behind a text if there is one.
func (t *trial) question(text string) (*conversation, error) {
	c := &conversation{token: make([]byte, 8)}
	_, _ = rand.Read(c.token) // never fails
	var out []byte
	if text != "" {
		out = appendMessage(out, opText, []byte(text))
		c.saw = append(c.saw, "sent a text message: "+printable(text))
	}
	c.saw = append(c.saw, "sent a Ping")
	return c, t.write(appendMessage(out, opPing, c.token))
}

func (t *trial) write(p []byte) error {
	_ = t.conn.SetWriteDeadline(time.Now().Add(t.o.Timeout))
	_, err := t.conn.Write(p)
	return err
}

// talk finds out whether frames go both ways.
func (t *trial) talk(ctx context.Context) Finding {
	done := t.step(StepFrames)
	_ = t.conn.SetDeadline(time.Time{})
	frames, ended := make(chan received, 16), make(chan struct{})
	t.frames, t.done = frames, ended
	go listen(t.in, t.report.seen.extensions != "", frames, ended)

	began := time.Now()
	c, err := t.question(t.o.Send)
	if err != nil {
		c.saw = append(c.saw, "not sent: "+how(err))
		// Why the other end went may still stand in what it said before.
	}
	finding := t.converse(ctx, c, func() bool { return c.answered && (t.o.Send == "" || c.messages > 0) })
	t.report.seen.stay = time.Since(began)
	switch {
	case finding == Works:
	case finding != NoReply:
		done(false, c.saw...)
		return finding
	case t.o.Send != "" && c.messages == 0 && c.frames > 0:
		done(false, append(c.saw, fmt.Sprintf("no message within %v", t.o.Timeout))...)
		return NoReply
	case c.frames == 0:
		done(false, append(c.saw, fmt.Sprintf("nothing came within %v", t.o.Timeout))...)
		return FramesLost
	default:
		c.saw = append(c.saw, fmt.Sprintf("no Pong within %v, though RFC 6455 section 5.5.2 demands one; other frames come", t.o.Timeout))
	}
	done(true, c.saw...)
	return Works
}

// converse hears frames until it is enough (Works), the other end leaves, or the timeout (NoReply).
func (t *trial) converse(ctx context.Context, c *conversation, enough func() bool) Finding {
	timer := time.NewTimer(t.o.Timeout)
	defer timer.Stop()
	for !enough() {
		select {
		case f := <-t.frames:
			if finding := t.hear(c, f); finding != Works {
				return finding
			}
		case <-timer.C:
			return NoReply
		case <-ctx.Done():
			return t.fails(NoReply, ctx.Err())
		}
	}
	return Works
}

// silencePing is what the Pings that break a silence carry.
const silencePing = "fairlead"

// mostFramesShown bounds what is told of a chatty server.
const mostFramesShown = 8

// hear takes a frame in, answers a Ping, and tells when the other end left.
func (t *trial) hear(c *conversation, f received) Finding {
	if f.err != nil {
		e := ending{by: byOther, err: f.err}
		switch {
		case errors.Is(f.err, errNoFrame):
			c.saw = append(c.saw, "got "+f.err.Error())
			return t.fails(FramesBroken, f.err)
		case errors.Is(f.err, io.EOF), errors.Is(f.err, io.ErrUnexpectedEOF):
			e.by = byFIN
		case errors.Is(f.err, syscall.ECONNRESET), errors.Is(f.err, syscall.EPIPE):
			e.by = byRST
		}
		t.report.seen.end = e
		c.saw = append(c.saw, "the connection was "+how(f.err))
		return t.fails(ClosedAtOnce, f.err)
	}
	c.frames++
	if f.op != opPong || !bytes.Equal(f.payload, c.token) {
		if c.frames == mostFramesShown {
			c.saw = append(c.saw, "…")
		} else if c.frames < mostFramesShown {
			c.saw = append(c.saw, "got "+f.describe())
		}
	}
	switch f.op {
	case opClose:
		code, reason := f.closing()
		t.report.seen.end = ending{by: byClose, code: code, text: reason}
		_ = t.write(frame.AppendClose(nil, code, "", maskingKey())) // it waits for that, if it still waits
		return ClosedAtOnce
	case opPing:
		t.report.seen.pings++
		_ = t.write(appendMessage(nil, opPong, f.payload)) // an error is seen when reading
	case opPong:
		if bytes.Equal(f.payload, c.token) {
			c.pongs++
			if !c.answered {
				c.saw = append(c.saw, "got its Pong")
			}
			c.answered = true
		}
	case opText, opBinary:
		c.messages++
	}
	return Works
}

// keepSilent waits until the other end leaves or the time is over. Then a last Ping proves that the
// socket still stands: a firewall forgets connections without a sign.
func (t *trial) keepSilent(ctx context.Context) Finding {
	if t.o.Idle == 0 {
		return Works
	}
	done := t.step(StepSilence)
	c := &conversation{saw: []string{fmt.Sprintf("silent for up to %v", t.o.Idle)}}
	if t.o.Ping > 0 {
		c.saw[0] = fmt.Sprintf("only a Ping every %v, for up to %v", t.o.Ping, t.o.Idle)
	}
	c.token, c.answered = []byte(silencePing), true
	began := time.Now()
	finding := t.wait(ctx, c, began)
	t.report.seen.stay += time.Since(began)
	if t.report.seen.pings > 0 {
		c.saw = append(c.saw, fmt.Sprintf("the server itself sent %s, which the probe answered", count(t.report.seen.pings, "Ping")))
	}
	if t.report.seen.pinged > 0 {
		c.saw = append(c.saw, fmt.Sprintf("%s sent, %s came back", count(t.report.seen.pinged, "Ping"), count(c.pongs, "Pong")))
	}
	if finding != Works {
		c.saw = append(c.saw, fmt.Sprintf("ended %s behind the 101, %s behind the last frame", round(t.report.seen.stay), round(t.report.seen.silence)))
		done(false, c.saw...)
		return finding
	}
	last, err := t.question("")
	if err == nil {
		finding = t.converse(ctx, last, func() bool { return last.answered })
	}
	c.saw = append(c.saw, last.saw...)
	if err == nil && finding == Works {
		done(true, append(c.saw, "still open")...)
		return Works
	}
	t.report.seen.silence = t.o.Idle
	done(false, append(c.saw, "the socket was gone, and nobody had said so")...)
	return Forgotten
}

// wait hears what comes in the silence.
func (t *trial) wait(ctx context.Context, c *conversation, last time.Time) Finding {
	over := time.NewTimer(t.o.Idle)
	defer over.Stop()
	var ping <-chan time.Time
	if t.o.Ping > 0 {
		ticker := time.NewTicker(t.o.Ping)
		defer ticker.Stop()
		ping = ticker.C
	}
	for {
		select {
		case f := <-t.frames:
			finding := t.hear(c, f)
			if finding == ClosedAtOnce {
				finding = ClosedIdle
			}
			if finding != Works {
				t.report.seen.silence = f.at.Sub(last)
				return finding
			}
			last = f.at
		case <-ping:
			_ = t.write(appendMessage(nil, opPing, []byte(silencePing))) // an error is seen when reading
			t.report.seen.pinged++
			last = time.Now()
		case <-over.C:
			return Works
		case <-ctx.Done():
			return t.fails(ClosedIdle, ctx.Err())
		}
	}
}

// leave says goodbye, so that the probe leaves no trace of an abnormal end in logs.
func (t *trial) leave(ctx context.Context) Finding {
	done := t.step(StepClose)
	if err := t.write(frame.AppendClose(nil, 1000, "", maskingKey())); err != nil {
		done(false, "Close 1000 was not sent: "+how(err))
		return Works
	}
	timer := time.NewTimer(min(leaveTimeout, t.o.Timeout))
	defer timer.Stop()
	for {
		select {
		case f := <-t.frames:
			switch {
			case f.err != nil:
				done(false, "sent Close 1000; the connection was "+how(f.err)+" without a Close in answer")
				return Works
			case f.op == opClose:
				done(true, "sent Close 1000, got "+f.describe())
				return Works
			}
		case <-timer.C:
			done(false, "sent Close 1000; no answer to it")
			return Works
		case <-ctx.Done():
			return Works
		}
	}
}

// round makes a duration readable.
func round(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	case d < time.Second:
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
