package proxy

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/model"
)

// again reports whether the request goes to another endpoint after an attempt that came to an answer
// or a failure. The answer is closed then.
func (x *exchange) again(answer *backend.Answer, err error) bool {
	if err != nil {
		return x.retry(err)
	}
	x.heard()
	if !x.dropped(answer.Response.StatusCode) {
		return false
	}
	_ = answer.Close() // nobody wants it
	return true
}

// againPlain is again for a plain request.
func (x *exchange) againPlain(ctx context.Context, answer *http.Response, err error) bool {
	if err != nil {
		return x.retry(x.plainFailure(ctx, err))
	}
	x.heard()
	if !x.dropped(answer.StatusCode) {
		return false
	}
	_ = answer.Body.Close()
	return true
}

// plainFailure tells what an error of the transport is, where the route may want to know it.
func (x *exchange) plainFailure(ctx context.Context, err error) error {
	var known *backend.Failure
	if x.hit.Route.Retries.On == 0 || errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	failure := &backend.Failure{Refusal: backend.Explain(ctx, err)}
	if strings.Contains(err.Error(), "malformed") { // net/http has no better word for what is not HTTP
		failure.Refusal.Reason = model.BadUpgrade
	}
	return failure
}

// retry reports whether the request may be sent to another endpoint after a failure, and there is one.
func (x *exchange) retry(err error) bool {
	var failure *backend.Failure
	if !errors.As(err, &failure) {
		return false
	}
	if failure.Refusal.Reason == model.ConnectTimeout {
		x.mute()
	}
	return x.retryable(failure) && x.more()
}

// mute notes that the chosen endpoint takes no connections. Who comes next need not find that out for himself: he would wait for as
// long, and a hash or fewest sessions lead all clients to a node that has lost its power until Kubernetes knows of it.
func (x *exchange) mute() {
	if to := x.chosen; to.endpoint.Live.SetMute() {
		x.server.log.Warn("an endpoint takes no connections: others are chosen while there are any", "backend", to.backend.Key, "endpoint", to.endpoint.Address)
	}
}

// heard notes that it took one.
func (x *exchange) heard() {
	if to := x.chosen; to.endpoint.Live.SetHeard() {
		x.server.log.Info("an endpoint takes connections again", "backend", to.backend.Key, "endpoint", to.endpoint.Address)
	}
}

// retryable reports whether the failure is one that the route retries. A route that doesn't say does
// it for as long as no byte of an answer was seen.
func (x *exchange) retryable(f *backend.Failure) bool {
	on := x.hit.Route.Retries.On
	if on == 0 {
		return f.Retry
	}
	switch f.Refusal.Reason {
	case model.ConnectFailed:
		return on.Has(model.RetryError)
	case model.ConnectTimeout:
		return on.Has(model.RetryTimeout)
	case model.EndpointReset:
		return on.Has(model.RetryError) && x.repeatable()
	case model.HandshakeTimeout:
		return on.Has(model.RetryTimeout) && x.repeatable()
	case model.BadUpgrade:
		return on.Has(model.RetryInvalidHeader) && x.repeatable()
	}
	return false
}

// dropped reports whether an answer with the status is as good as none, and there is another endpoint.
func (x *exchange) dropped(status int) bool {
	statuses := x.hit.Route.Retries.Statuses
	return len(statuses) > 0 && status != http.StatusSwitchingProtocols && slices.Contains(statuses, status) &&
		x.repeatable() && x.more()
}

// repeatable reports whether the request may be sent again though an endpoint may have acted on it:
// its method, as nginx sees it, has no effect that adds up, or the route says that it doesn't matter.
func (x *exchange) repeatable() bool {
	switch x.r.Method {
	case http.MethodPost, http.MethodPatch, "LOCK":
		return x.hit.Route.Retries.On.Has(model.RetryNonIdempotent)
	}
	return true
}

// more reports whether the route allows another attempt now, and has an endpoint for it.
func (x *exchange) more() bool {
	retries, p := &x.hit.Route.Retries, x.picks
	return len(p.tried) < p.attempts() && (retries.Timeout <= 0 || time.Since(epoch)-p.begun < time.Duration(retries.Timeout)) && p.left()
}

// attempts bounds the attempts of a request. Unlimited ones end with the endpoints, but a client that
// is held to one would never get to the end of them.
func (p *picker) attempts() int {
	if !p.route.Retries.Unlimited {
		return cmp.Or(p.route.Retries.Attempts, model.DefaultConnectAttempts)
	}
	if _, held := p.sticky.holds(); held {
		return model.DefaultConnectAttempts
	}
	return math.MaxInt
}
