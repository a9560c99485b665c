package probe

import (
	"bufio"
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"time"
)

// seen are the facts of an attempt, for the verdict.
type seen struct {
	err        error // why the step failed
	address    string
	unreached  []unreached // addresses that took no connection before one did
	left       []netip.Addr
	chain      []*x509.Certificate
	faults     []certFault
	secure     bool     // TLS stands
	alert      int      // of the other end in TLS; 0: none
	raw        []byte   // the beginning of an answer that is no HTTP
	switchings []string // what is wrong with a 101
	extensions string   // that the server took
	end        ending
	stay       time.Duration // from the 101 to the end
	silence    time.Duration // from the last frame to the end
	pings      int           // that the other end sent
	pinged     int           // that the probe sent in the silence
}

// trial is an attempt that is under way.
type trial struct {
	o      *Options
	at     place
	report *Attempt
	conn   net.Conn
	in     *bufio.Reader
	key    string
	frames <-chan received
	done   chan struct{} // closed when nobody reads frames any more
	// only is the one address to try; the zero Addr: all that the name has.
	only netip.Addr
	// brief ends with the answer.
	brief bool
}

// try makes one attempt.
func try(ctx context.Context, o *Options, at place, variation string, change func(*trial)) *Attempt {
	t := &trial{o: o, at: at, report: &Attempt{Variation: variation, URL: at.String()}}
	if change != nil {
		change(t)
	}
	stages := []func(context.Context) Finding{t.connect, t.startTLS, t.ask, t.check, t.talk, t.keepSilent, t.leave}
	if t.brief {
		stages = stages[:4]
	}
	t.report.Finding = Works
	for _, stage := range stages {
		if t.report.Finding = stage(ctx); t.report.Finding != Works {
			break
		}
	}
	t.end()
	return t.report
}

// end closes the connection and waits until nobody reads from it.
func (t *trial) end() {
	if t.conn != nil {
		_ = t.conn.Close()
	}
	if t.done != nil {
		for range t.frames { // so that the reader is not blocked
		}
		<-t.done
	}
}

// step begins a step. The func that it returns ends it.
func (t *trial) step(name string) func(ok bool, saw ...string) {
	began := time.Now()
	return func(ok bool, saw ...string) {
		t.report.Steps = append(t.report.Steps, Step{Name: name, Took: time.Since(began), OK: ok, Saw: saw})
	}
}

// fails notes why a step failed.
func (t *trial) fails(f Finding, err error) Finding {
	t.report.seen.err = err
	return f
}

// bounded gives the connection until the step's timeout, or until ctx is done.
func (t *trial) bounded(ctx context.Context, d time.Duration) func() bool {
	_ = t.conn.SetDeadline(time.Now().Add(d))
	conn := t.conn
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}
