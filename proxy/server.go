package proxy

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/accept"
	"github.com/fairlead/fairlead/proxy/admin"
	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/proxy/table"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// Server is the data plane of one replica.
type Server struct {
	options    Options
	log        *slog.Logger
	table      atomic.Pointer[table.Table] // never nil
	publishing sync.Mutex
	published  atomic.Bool
	tickets    accept.Tickets
	selfSigned selfSigned
	balancers  accept.Balancers
	drainBegan atomic.Pointer[time.Time] // readiness is withdrawn
	closeBegan atomic.Pointer[time.Time] // sessions are being closed

	forwarding handshake.Forwarding
	admission  admit.Check
	services   *http.Transport // to those who are asked about requests
	plain      *httputil.ReverseProxy
	observer   *observe.Observer
	sessions   registry
	engine     *tunnel.Engine // while it serves
	doors      *doors         // while it serves plain HTTP
	handshakes atomic.Int64   // upgrade requests between match and session
	wake       chan struct{}  // the drainer should look

	http, https, adminAt listener
}

// listener is one address and what serves it.
type listener struct {
	net.Listener
	server *http.Server
}

// New returns a server with an empty table that is not ready until its first Publish. It fails on
// a registry that has the metrics already.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Registry == nil {
		o.Registry = observe.NewRegistry()
	}
	if o.ServerName == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("no host name for X-Forwarded-Server: %w", err)
		}
		o.ServerName = name
	}
	s := &Server{
		options: o, log: o.Log, admission: admit.Admit, services: admit.NewServices(), wake: make(chan struct{}, 1),
		forwarding: handshake.Forwarding{Trusted: o.TrustedProxies, Server: o.ServerName},
	}
	s.balancers = accept.Balancers{Networks: o.ProxyProtocol, Timeout: headTimeout, Failed: s.unannounced()}
	s.table.Store(new(table.Table))
	s.plain = s.newPlain()
	var err error
	if s.observer, err = observe.New(o.Registry, o.Log, s.live(), s.expiries()); err != nil {
		return nil, err
	}
	s.observer.Built(o.Build)
	return s, nil
}

// Table returns the table that new sessions are matched against. It is never nil.
func (s *Server) Table() *table.Table { return s.table.Load() }

// Publish makes t, compiled from the table that Table returned, the one for new sessions. Open
// sessions keep what they have; those of routes and endpoints that are gone are drained. It
// returns what changed; a table that changes nothing is not published. The publish latency is
// measured from begun, when the making of the table began.
func (s *Server) Publish(t *table.Table, begun time.Time) *table.Change {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	change := t.Diff(s.table.Load())
	first := !s.published.Load()
	changed := first || !change.None()
	if changed {
		s.table.Store(t)
		s.published.Store(true)
		s.mark(change, time.Now())
	}
	p := observe.Publish{Took: time.Since(begun), Changed: changed, Change: change.String()}
	p.Routes, p.Backends, p.Endpoints = t.Len()
	s.observer.Published(p)
	s.observer.Forget(change.RoutesRemoved)
	if first {
		s.reportReadiness()
	}
	return change
}

// mark notes what leaves and what stays, for the drainer.
func (s *Server) mark(c *table.Change, now time.Time) {
	for _, r := range c.Gone {
		r.SetDeleted(now)
	}
	for _, r := range c.Back {
		r.Restore()
	}
	for _, e := range c.Leaving {
		e.SetLeaving(now)
	}
	for _, e := range c.Staying {
		e.Stay()
	}
	if len(c.Gone)+len(c.Leaving) > 0 {
		s.wakeDrainer()
	}
}

// ControlPlane tells whether the source of the table can be reached; only a metric depends on it.
func (s *Server) ControlPlane(up bool) { s.observer.ControlPlane(up) }

// Ready returns nil when the server wants new connections, else the reason why not.
func (s *Server) Ready() error {
	switch {
	case s.drainBegan.Load() != nil:
		return errors.New("shutting down")
	case !s.published.Load():
		return errors.New("no route table was published yet")
	}
	return nil
}

func (s *Server) reportReadiness() {
	s.observer.Readiness(s.Ready() == nil, s.drainBegan.Load() != nil)
}

// live lists the sessions for metrics and for GET /sessions.
func (s *Server) live() iter.Seq[observe.Live] {
	return func(yield func(observe.Live) bool) {
		for ses := range s.sessions.all() {
			if !yield(ses.observed()) {
				return
			}
		}
	}
}

func (s *Server) newAdmin() http.Handler {
	return admin.Handler(admin.Source{
		Ready:      s.Ready,
		Routes:     func() any { return s.Table().View() },
		RoutesText: func() string { return s.Table().String() },
		Sessions:   s.live(),
		Metrics:    s.observer.Handler(),
	})
}
