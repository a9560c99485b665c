package proxy

import (
	"context"
	"errors"
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
			p.Out.Header = x.header()
			p.Out.Host = x.host()
			if uri, err := url.ParseRequestURI(x.target()); err == nil {
				p.Out.URL = uri
			}
			p.Out.URL.Scheme, p.Out.URL.Host = "http", p.Out.Host // the endpoint comes with the try
		},
		ModifyResponse: func(answer *http.Response) error {
			x := exchangeOf(answer.Request)
			x.status = answer.StatusCode
			x.dress(answer.Header, x.status)
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
func (x *exchange) servePlain() (err error) {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	r := x.r.WithContext(context.WithValue(ctx, exchangeKey{}, x))
	defer x.listen(func() { cancel(errSilent) })()
	if r.ContentLength != 0 {
		x.subject.Policy.Bounded(x.w, r)
		x.upload = x.silence.watch(r.Body)
		r.Body = x.upload
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // panics with the bare value
			err = x.brokeOff(ctx)
		} else if p != nil {
			panic(p)
		}
	}()
	x.server.plain.ServeHTTP(x.w, r)
	return x.unanswered(ctx)
}

// lastWord is how long a client that was given up has to read what there is to say.
const lastWord = time.Second

// listen gives the exchange up after the idle timeout without a byte. Whoever is blocked then, on
// the client as on the endpoint, must not stay so. The func that it returns ends the listening.
func (x *exchange) listen(cancel func()) (stop func()) {
	client := http.NewResponseController(x.w)
	x.silence = newSilence(x.hit.Route.Timeouts.Idle.Or(model.DefaultIdle), func() {
		cancel() // first: what follows looks to net/http as if the client had left
		_ = client.SetWriteDeadline(time.Now().Add(lastWord))
		if !x.upload.ended() {
			// Only then: once the request is read, net/http waits in a read for the client to leave.
			_ = client.SetReadDeadline(time.Now())
		}
	})
	return func() {
		if x.silence.stop() {
			_ = client.SetWriteDeadline(time.Time{}) // the next request has nothing to do with it
		}
	}
}

// unanswered returns why a plain request got no answer, nil when it got one.
func (x *exchange) unanswered(ctx context.Context) error {
	var refusal *model.Refusal
	tooLarge := x.tooLarge()
	switch {
	case x.plainErr == nil:
		return nil
	case tooLarge != nil:
		return tooLarge
	case errors.As(x.plainErr, &refusal):
		return refusal
	case errors.Is(context.Cause(ctx), errSilent):
		return &model.Refusal{Status: http.StatusGatewayTimeout, Reason: model.IdleTimeout,
			Detail: "no byte of the request or its answer came in time", Err: x.plainErr}
	}
	return backend.Explain(ctx, x.plainErr)
}

// brokeOff says why an answer ended in the middle, and sees to it that it does not look whole.
func (x *exchange) brokeOff(ctx context.Context) error {
	x.broken = true
	reason := model.ClientGone
	switch {
	case x.tooLarge() != nil:
		reason = model.TooLarge
	case errors.Is(context.Cause(ctx), errSilent):
		reason = model.IdleTimeout
	case ctx.Err() == nil && x.download.broken():
		reason = model.EndpointReset
	}
	return &model.Refusal{Reason: reason, Detail: "the answer could not be passed on", Err: context.Cause(ctx)}
}

// tries is a transport that picks the endpoint, and another one for as long as the route retries.
type tries struct{ transport *http.Transport }

// RoundTrip sends the request to endpoints until one gives an answer that the route does not retry.
func (t tries) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r)
	body := x.replayable(r.Body)
	for {
		endpoint, err := x.pick()
		if err != nil {
			return nil, err
		}
		if body != nil {
			r.Body = body.attempt()
		}
		answer, err := t.try(r, endpoint, x.timeouts().Connect)
		switch {
		case body.again() && x.againPlain(r.Context(), answer, err):
		case err != nil:
			return nil, err
		default:
			return x.final(answer)
		}
	}
}

// try sends the request to one endpoint.
func (t tries) try(r *http.Request, e backend.Endpoint, connect time.Duration) (*http.Response, error) {
	addressed, err := backend.To(r, e, connect)
	if err != nil {
		return nil, err
	}
	return t.transport.RoundTrip(addressed)
}

// final refuses what can't be an answer to a plain request. A switch that nobody asked for would
// let bytes pass unseen.
func (x *exchange) final(answer *http.Response) (*http.Response, error) {
	if answer.StatusCode < http.StatusOK {
		_ = answer.Body.Close()
		return nil, &model.Refusal{Status: http.StatusBadGateway, Reason: model.BadUpgrade,
			Detail: "the endpoint answered a plain request with status " + answer.Status}
	}
	if page := x.inPlaceOf(answer.Request.Context(), answer); page != answer {
		_ = answer.Body.Close()
		answer = page
	}
	x.download = x.silence.watch(answer.Body)
	answer.Body = x.download
	return answer, nil
}
