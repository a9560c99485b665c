package proxy

import (
	"context"
	"fmt"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// Drains are a tree of causes: the server shuts down, a route was deleted, an endpoint leaves. Each
// cause is a moment noted in one place; every session computes from it when its own turn to close
// is. So nothing is kept per session, a cause that is taken back in time costs nothing, and a
// session that opens during a drain is treated like the others.

// drainStep is the shortest pause between two looks of the drainer.
const drainStep = 50 * time.Millisecond

// restarting is why sessions go with the server.
var restarting = tunnel.Cause{Reason: model.ServerDrain, Code: 1001, Text: "the proxy is restarting"}

func (s *Server) wakeDrainer() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// drainSessions closes sessions whose turn has come until ctx is done. It sleeps until the next turn.
func (s *Server) drainSessions(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		now := time.Now()
		if next := s.closeDue(now); !next.IsZero() {
			timer.Reset(max(next.Sub(now), drainStep))
		}
	}
}

// closeDue closes the sessions whose turn has come and returns when the next turn is; zero: nobody
// waits for one.
func (s *Server) closeDue(now time.Time) (next time.Time) {
	for ses := range s.sessions.all() {
		if ses.closing {
			continue
		}
		cause, at, leaves := ses.due()
		switch {
		case !leaves:
		case !ses.started.Load() || now.Before(at):
			if next.IsZero() || at.Before(next) {
				next = at
			}
		default:
			ses.closing = true
			ses.tunnel.Close(cause, 0)
		}
	}
	return next
}

func (ses *session) leaves() bool {
	_, _, leaves := ses.due()
	return leaves
}

// due returns why and when the session has to go; the earliest cause counts.
func (ses *session) due() (cause tunnel.Cause, at time.Time, leaves bool) {
	consider := func(c tunnel.Cause, t time.Time) {
		if !leaves || t.Before(at) {
			cause, at, leaves = c, t, true
		}
	}
	if began := ses.server.closeBegan.Load(); began != nil {
		consider(restarting, began.Add(ses.turn(ses.server.options.Drain.Spread)))
	}
	t := ses.terms.Value()
	if since, deleted := t.route.Deleted(); deleted {
		consider(tunnel.Cause{Reason: model.RouteDeleted, Code: 1001, Text: "the route was deleted"},
			since.Add(ses.turn(t.drain.spread)))
	}
	if since, leaving := t.endpoint.Leaving(); leaving && t.drain.deadline > 0 {
		if start := ses.start(); start.After(since) {
			since = start // no other endpoint was there: closed at once, it would come right back
		}
		spread := min(t.drain.spread, t.drain.deadline)
		consider(tunnel.Cause{Reason: model.EndpointDraining, Code: t.drain.code, Text: "the endpoint is terminating"},
			since.Add(t.drain.deadline-spread+ses.turn(spread)))
	}
	return cause, at, leaves
}

// turn places the session in a window: a fraction of it that is the session's own and never changes.
func (ses *session) turn(window time.Duration) time.Duration {
	const golden = 0x9e3779b97f4a7c15 // neighbouring IDs land far apart
	return time.Duration(float64(ses.id*golden>>11) / (1 << 53) * float64(window))
}

// closeSessions closes all sessions, spread over the window, and returns when the last is gone or
// ctx is done. What is left then is cut.
func (s *Server) closeSessions(ctx context.Context) {
	began := time.Now()
	s.closeBegan.Store(&began)
	s.wakeDrainer()
	total := s.sessions.len()
	s.log.Info("closing sessions", "sessions", total, "spread", s.options.Drain.Spread)
	s.awaitEmpty(ctx)
	left := s.sessions.len()
	for ses := range s.sessions.all() {
		if ses.started.Load() {
			ses.tunnel.Kill(restarting)
		}
	}
	lastWords, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	s.awaitEmpty(lastWords) // each end is told
	s.log.Info("sessions closed", "closed", max(total-left, 0), "cut", left, "took", fmt.Sprint(time.Since(began).Round(time.Millisecond)))
}

// awaitEmpty waits until no session is left, and no handshake that could become one.
func (s *Server) awaitEmpty(ctx context.Context) {
	s.await(ctx, func() bool { return s.handshakes.Load() == 0 && s.sessions.len() == 0 })
}

// await waits until something is over or ctx is done.
func (s *Server) await(ctx context.Context, over func() bool) {
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for !over() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
