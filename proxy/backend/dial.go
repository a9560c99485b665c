package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/secure"
)

// dial connects to e, which gets host as the Host of requests, within timeout, TLS included.
func dial(ctx context.Context, e Endpoint, host string, timeout time.Duration) (net.Conn, *Failure) {
	var client *secure.Client
	if e.TLS != nil {
		var err error
		if client, err = e.TLS.Client(e.Address, host); err != nil {
			return nil, NotConnected(e, timeout, err)
		}
	}
	return connect(ctx, e, client, timeout)
}

// connect connects to e, with TLS when there is a client for it.
func connect(ctx context.Context, e Endpoint, client *secure.Client, timeout time.Duration) (net.Conn, *Failure) {
	bounded := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	dialer := net.Dialer{KeepAliveConfig: loop.KeepAlive}
	conn, err := dialer.DialContext(bounded, "tcp", e.Address.String())
	if err == nil && client != nil {
		conn, err = encrypt(bounded, conn, client.Config)
	}
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ClientGone(context.Cause(ctx))
	}
	return nil, NotConnected(e, timeout, err)
}

// isTimeout knows the context's timer, the socket's, which may fire first, and the kernel's own.
func isTimeout(err error) bool {
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
}

// encrypt starts TLS on conn, which it closes on error.
func encrypt(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	secured := tls.Client(loop.NewConn(conn, nil), config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}
