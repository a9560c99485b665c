package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// statusClientGone goes into the log only, since nobody is there to read it; proxies have used the
// number for this since nginx did.
const statusClientGone = 499

func fail(retry bool, status int, reason model.Reason, detail string, err error) *Failure {
	return &Failure{Retry: retry, Refusal: &model.Refusal{Status: status, Reason: reason, Detail: detail, Err: err}}
}

// ClientGone is the failure of an attempt that the client did not wait for; cause says how it left.
func ClientGone(cause error) *Failure {
	return fail(false, statusClientGone, model.ClientGone, "the client left before it was answered", cause)
}

// NotConnected is the failure of a connection that did not come about: ConnectTimeout when err is a
// timeout, which is the kernel's own or that of timeout (0: off), else ConnectFailed. A bare
// [syscall.Errno] is taken for that of connect(2). Another endpoint may always be tried.
func NotConnected(e Endpoint, timeout time.Duration, err error) *Failure {
	if errno, bare := err.(syscall.Errno); bare { //nolint:errorlint // a wrapped one says enough
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(e.Address), Err: os.NewSyscallError("connect", errno)}
	}
	if isTimeout(err) {
		detail := "the connection to the endpoint timed out"
		if timeout > 0 {
			detail = fmt.Sprintf("no connection to the endpoint within %v", timeout)
		}
		return fail(true, http.StatusGatewayTimeout, model.ConnectTimeout, detail, err)
	}
	detail := "no connection to the endpoint"
	switch {
	case e.TLS != nil && errors.As(err, new(*tls.CertificateVerificationError)):
		detail = "the endpoint's certificate is not the one that is wanted" // which and why: in the log
	case e.TLS != nil:
		detail += " (with TLS)"
	}
	return fail(true, http.StatusBadGateway, model.ConnectFailed, detail, err)
}

// NotAnswered is the failure of a connection that gave no whole answer: HandshakeTimeout when err is
// [os.ErrDeadlineExceeded], else EndpointReset. seen: a byte of an answer came. Another endpoint may
// be tried only when the connection ended without one, and the request changes nothing.
func (r *Request) NotAnswered(timeout time.Duration, seen bool, err error) *Failure {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fail(false, http.StatusGatewayTimeout, model.HandshakeTimeout,
			fmt.Sprintf("no answer from the endpoint within %v", timeout), err)
	}
	return endpointReset(!seen && r.repeatable(), err)
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
		return ClientGone(context.Cause(ctx)).Refusal
	case errors.As(err, &known):
		return known.Refusal
	}
	return endpointReset(false, err).Refusal
}
