package backend

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// idleTotal and idlePerEndpoint bound the idle connections kept for plain requests.
	idleTotal       = 1024
	idlePerEndpoint = 64
	// idleTime is how long they are kept: below the 60 s or more after which common servers hang
	// up, so that a request rarely meets a connection that is just being closed.
	idleTime = 50 * time.Second
)

// dialKey is the context key of dialOptions.
type dialKey struct{}

// dialOptions are what a request says about a connection that must be made for it.
type dialOptions struct {
	connect    time.Duration
	serverName string
}

func optionsOf(ctx context.Context) dialOptions {
	options, _ := ctx.Value(dialKey{}).(dialOptions)
	return options
}

// WithConnect returns a context for requests through [NewTransport]: a connection made for them
// takes at most timeout, TLS included. 0 is off, as is a context without it.
func WithConnect(ctx context.Context, timeout time.Duration) context.Context {
	options := optionsOf(ctx)
	options.connect = timeout
	return context.WithValue(ctx, dialKey{}, options)
}

// WithServerName returns a context for https requests through [NewTransport]: a connection made for
// them sends the name as SNI. host may be a Host header; its port is left out. Without it no name
// is sent, since requests are addressed to an endpoint's IP address.
func WithServerName(ctx context.Context, host string) context.Context {
	options := optionsOf(ctx)
	options.serverName = hostname(host)
	return context.WithValue(ctx, dialKey{}, options)
}

// NewTransport makes the transport for plain requests, whose URLs name an endpoint as ip:port and
// http or https. It speaks HTTP/1.1 without proxies from the environment and without compression
// of its own, and does not verify certificates. Idle connections are kept per endpoint and may be
// used again for other hosts. Errors are for [Explain].
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return dialFor(ctx, address, false)
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return dialFor(ctx, address, true)
		},
		DisableCompression:     true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerEndpoint,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHead,
		ExpectContinueTimeout:  time.Second,
	}
}

// dialFor dials address as the request's context says.
func dialFor(ctx context.Context, address string, encrypted bool) (net.Conn, error) {
	options := optionsOf(ctx)
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, NotConnected(Endpoint{TLS: encrypted}, options.connect, err)
	}
	conn, failure := dial(ctx, Endpoint{Address: at, TLS: encrypted, ServerName: options.serverName}, options.connect)
	if failure != nil {
		return nil, failure
	}
	return conn, nil
}
