package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/model"
)

// Plain requests (pages, polling fallbacks, server-sent events) are proxied by net/http/httputil.
// Fairlead adds what its routes say: which endpoint, which headers, how long silence may last.

// newPlain returns the reverse proxy that all plain requests share. What differs from request to
// request it finds in the request's exchange.
func (s *Server) newPlain() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			x := exchangeOf(p.Out)
			p.Out.Header = s.forwarding.Header(p.In, "")
			p.Out.Host = x.host()
			if uri, err := url.ParseRequestURI(x.hit.URI(p.In.URL)); err == nil {
				p.Out.URL = uri
			}
			p.Out.URL.Scheme, p.Out.URL.Host = "http", p.Out.Host // the endpoint comes with the try
		},
		ModifyResponse: func(answer *http.Response) error {
			x := exchangeOf(answer.Request)
			x.status = answer.StatusCode
			for name, values := range x.extra() {
				answer.Header[name] = append(answer.Header[name], values...)
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			exchangeOf(r).plainErr = err // finish answers
		},
		Transport:     tries{backend.NewTransport()},
		FlushInterval: -1, // streams are passed on as they come
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// servePlain answers a plain request from an endpoint.
func (x *exchange) servePlain() error {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	timeouts := x.hit.Route.Timeouts
	x.silence = newSilence(timeouts.Idle.Or(model.DefaultIdle), cancel)
	defer x.silence.stop()
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	ctx = backend.WithConnect(ctx, timeouts.Connect.Or(model.DefaultConnect))
	ctx = backend.WithServerName(ctx, x.host())
	x.server.plain.ServeHTTP(x.w, x.r.WithContext(ctx))
	var refusal *model.Refusal
	switch {
	case x.plainErr == nil:
		return nil
	case errors.As(x.plainErr, &refusal):
		return refusal
	case errors.Is(context.Cause(ctx), errSilent):
		return &model.Refusal{Status: http.StatusGatewayTimeout, Reason: model.IdleTimeout,
			Detail: "the endpoint did not answer in time", Err: x.plainErr}
	}
	return backend.Explain(ctx, x.plainErr)
}

// tries is a transport that picks the endpoint, and another one while no connection came about.
type tries struct{ transport *http.Transport }

// RoundTrip sends the request to the endpoints of its exchange until one takes the connection.
func (t tries) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r)
	body := r.Body
	if body != nil && body != http.NoBody {
		r.Body = io.NopCloser(body) // a failed try must not close it for the next
	}
	for {
		endpoint, err := x.pick()
		if err != nil {
			return nil, err
		}
		r.URL.Scheme, r.URL.Host = "http", endpoint.Address.String()
		if endpoint.TLS {
			r.URL.Scheme = "https"
		}
		answer, err := t.transport.RoundTrip(r)
		if err == nil {
			answer.Body = x.silence.watch(answer.Body)
			return answer, nil
		}
		if !x.retry(err) {
			return nil, err
		}
	}
}

// silence ends a plain request when its endpoint says nothing for too long.
type silence struct {
	limit time.Duration
	timer *time.Timer // nil: off
}

var errSilent = errors.New("no byte from the endpoint within the idle timeout")

func newSilence(limit time.Duration, cancel context.CancelCauseFunc) *silence {
	s := &silence{limit: limit}
	if limit > 0 {
		s.timer = time.AfterFunc(limit, func() { cancel(errSilent) })
	}
	return s
}

func (s *silence) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// watch counts every read of the body as a sign of life.
func (s *silence) watch(body io.ReadCloser) io.ReadCloser {
	if s.timer == nil {
		return body
	}
	return &watchedBody{body, s}
}

type watchedBody struct {
	io.ReadCloser
	silence *silence
}

// Read reads from the body.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.silence.timer.Reset(b.silence.limit)
	return n, err
}
