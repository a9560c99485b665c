package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// statusClientGone goes into the log only, since nobody is there to read it; proxies have used the
// number for this since nginx did.
const statusClientGone = 499

func fail(retry bool, status int, reason model.Reason, detail string, err error) *Failure {
	return &Failure{Retry: retry, Refusal: &model.Refusal{Status: status, Reason: reason, Detail: detail, Err: err}}
}

func clientGone(ctx context.Context) *Failure {
	return fail(false, statusClientGone, model.ClientGone, "the client left before it was answered", context.Cause(ctx))
}

func connectFailed(e Endpoint, err error) *Failure {
	detail := "no connection to the endpoint"
	if e.TLS {
		detail += " (with TLS)"
	}
	return fail(true, http.StatusBadGateway, model.ConnectFailed, detail, err)
}

func connectTimeout(timeout time.Duration, err error) *Failure {
	detail := "the connection to the endpoint timed out"
	if timeout > 0 {
		detail = fmt.Sprintf("no connection to the endpoint within %v", timeout)
	}
	return fail(true, http.StatusGatewayTimeout, model.ConnectTimeout, detail, err)
}

func handshakeTimeout(timeout time.Duration, err error) *Failure {
	return fail(false, http.StatusGatewayTimeout, model.HandshakeTimeout,
		fmt.Sprintf("no answer from the endpoint within %v", timeout), err)
}

func endpointReset(retry bool, err error) *Failure {
	return fail(retry, http.StatusBadGateway, model.EndpointReset,
		"the endpoint ended the connection before its answer", err)
}

func badAnswer(err error) *Failure {
	return fail(false, http.StatusBadGateway, model.BadUpgrade, "the endpoint's answer is not valid HTTP/1.1", err)
}

func badRequest(detail string) *Failure {
	return fail(false, http.StatusBadRequest, model.BadHandshake, detail, nil)
}

// Explain returns the refusal for an error of the transport of [NewTransport], for plain requests:
// what the dial said, ClientGone when ctx ended, or EndpointReset.
func Explain(ctx context.Context, err error) *model.Refusal {
	var known *Failure
	switch {
	case ctx.Err() != nil:
		return clientGone(ctx).Refusal
	case errors.As(err, &known):
		return known.Refusal
	}
	return endpointReset(false, err).Refusal
}
