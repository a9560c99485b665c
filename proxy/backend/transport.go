package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/secure"
)

const (
	// idleTotal and idlePerEndpoint bound the idle connections kept for plain requests.
	idleTotal       = 1024
	idlePerEndpoint = 64
	// idleTime is how long they are kept: below the 60 s or more after which common servers hang
	// up, so that a request rarely meets a connection that is just being closed.
	idleTime = 50 * time.Second
)

// destinationKey is the context key of a destination.
type destinationKey struct{}

// destination is where a request goes, and what it says about a connection that must be made for it.
type destination struct {
	endpoint Endpoint
	client   *secure.Client // nil: without TLS
	connect  time.Duration
}

// To returns r as a request through [NewTransport] to an endpoint. Its Host is the one that TLS goes
// by. A connection that must be made takes at most connect, TLS included; 0 is off. The error is a
// *[Failure] with ConnectFailed: TLS can't be spoken as it must.
func To(r *http.Request, e Endpoint, connect time.Duration) (*http.Request, error) {
	to := destination{endpoint: e, connect: connect}
	scheme, place := "http", e.Address.String()
	if e.TLS != nil {
		var err error
		if to.client, err = e.TLS.Client(e.Address, r.Host); err != nil {
			return nil, NotConnected(e, connect, err)
		}
		scheme, place = "https", pooled(to)
	}
	addressed := r.WithContext(context.WithValue(r.Context(), destinationKey{}, to))
	target := *r.URL
	target.Scheme, target.Host = scheme, place
	addressed.URL = &target
	return addressed, nil
}

// pooled names a destination so that a transport, which takes the name for the address, finds idle
// connections of the same pool only.
func pooled(to destination) string {
	host := strings.ReplaceAll(to.endpoint.Address.Addr().String(), ":", "-")
	return fmt.Sprintf("pool-%d.%s:%d", to.client.Pool, host, to.endpoint.Address.Port())
}

// NewTransport makes the transport for plain requests, which [To] addresses. It speaks HTTP/1.1
// without proxies from the environment and without compression of its own. Idle connections are kept
// per endpoint and, with TLS, per pool of [secure.Client]: whoever uses one would have made the same.
// Those of settings that are gone are used by nobody, and die of age. Errors are for [Explain].
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:            dialDestination,
		DialTLSContext:         dialDestination,
		DisableCompression:     true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerEndpoint,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHead,
		ExpectContinueTimeout:  time.Second,
	}
}

// dialDestination dials as the request says that the connection is made for.
func dialDestination(ctx context.Context, _, _ string) (net.Conn, error) {
	to, ok := ctx.Value(destinationKey{}).(destination)
	if !ok {
		return nil, errors.New("the request was not addressed to an endpoint")
	}
	conn, failure := connect(ctx, to.endpoint, to.client, to.connect)
	if failure != nil {
		return nil, failure
	}
	return conn, nil
}
