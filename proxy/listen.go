package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/proxy/accept"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

const (
	// headTimeout bounds the TLS handshake and the head of a request: slow senders hold nothing for long.
	headTimeout = 10 * time.Second
	// keepAliveTimeout bounds the pause between two requests of a connection; it is longer than
	// what load balancers in front keep unused connections for (60 s is common), so that they and
	// not we close first.
	keepAliveTimeout = 75 * time.Second
	// maxHead bounds the head of a request, cookies and tokens included: 64 KiB.
	maxHead = 64 << 10
)

// Listen binds the configured addresses, so that a port that is taken is told at once.
func (s *Server) Listen(ctx context.Context) error {
	for _, l := range []struct {
		to      *listener
		address string
		secure  bool
		serves  http.Handler
	}{
		{&s.http, s.options.HTTPAddress, false, s},
		{&s.https, s.options.HTTPSAddress, true, s},
		{&s.adminAt, s.options.AdminAddress, false, s.newAdmin()},
	} {
		if l.address == "" {
			continue
		}
		bound, err := accept.Listen(ctx, l.address)
		if err != nil {
			s.closeListeners()
			return err
		}
		if l.secure {
			bound = accept.TLS(s.balancers.Listener(bound), s.tlsConfig())
		}
		*l.to = listener{Listener: bound, server: s.newHTTP(l.serves)}
	}
	return nil
}

func (s *Server) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            headTimeout,
		IdleTimeout:                  keepAliveTimeout,
		MaxHeaderBytes:               maxHead,
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Addrs returns where the server listens: plain HTTP, TLS and the admin address; nil for what is off.
func (s *Server) Addrs() (plain, secure, adminAt net.Addr) {
	address := func(l listener) net.Addr {
		if l.Listener == nil {
			return nil
		}
		return l.Addr()
	}
	return address(s.http), address(s.https), address(s.adminAt)
}

// Serve serves what Listen bound until ctx is done, then drains: it withdraws readiness, goes on
// accepting for the Delay, stops accepting, closes the sessions spread over the window and returns
// when the last one is gone. The admin address answers to the end. An error means that a listener
// failed.
func (s *Server) Serve(ctx context.Context) error {
	var err error
	if s.engine, err = tunnel.NewEngine(); err != nil {
		return err
	}
	defer s.engine.Stop()
	defer s.services.CloseIdleConnections()
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, failed := errgroup.WithContext(base)
	group.Go(func() error { s.drainSessions(base); return nil })
	for _, l := range s.listeners() {
		if l.server == s.http.server {
			if l.Listener, err = s.openDoors(l.Listener); err != nil {
				return err
			}
		}
		group.Go(l.serve)
	}
	s.reportReadiness()
	group.Go(func() error {
		defer stop()
		select {
		case <-ctx.Done():
			s.shutdown(failed)
		case <-failed.Done():
		}
		s.closeListeners()
		return nil
	})
	return group.Wait()
}

func (l listener) serve() error {
	if err := l.server.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// shutdown is the way out, in the order that load balancers and clients need.
func (s *Server) shutdown(ctx context.Context) {
	now := time.Now()
	s.drainBegan.Store(&now)
	s.reportReadiness()
	s.log.Info("draining: readiness withdrawn, still accepting", "delay", s.options.Drain.Delay, "sessions", s.sessions.len())
	select {
	case <-ctx.Done():
	case <-time.After(s.options.Drain.Delay):
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Drain.limit())
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.stopAccepting(ctx)
	}()
	s.closeSessions(ctx)
	<-stopped
}

// stopAccepting closes the listeners and waits for plain requests until ctx is done; what goes on
// then is cut.
func (s *Server) stopAccepting(ctx context.Context) {
	var group errgroup.Group
	for _, l := range []listener{s.http, s.https} {
		if l.Listener != nil {
			group.Go(func() error {
				if l.server == s.http.server {
					s.closeDoors(ctx)
				}
				if l.server.Shutdown(ctx) != nil {
					return l.server.Close()
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		s.log.Debug("closing listeners", "error", err)
	}
}

func (s *Server) listeners() []listener {
	var bound []listener
	for _, l := range []listener{s.http, s.https, s.adminAt} {
		if l.Listener != nil {
			bound = append(bound, l)
		}
	}
	return bound
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners() {
		if err := l.server.Close(); err != nil {
			s.log.Debug("closing a listener", "address", l.Addr().String(), "error", err)
		}
		_ = l.Close() // it may never have been served
	}
}
