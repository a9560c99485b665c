package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
)

// dial connects to e within timeout, TLS included.
func dial(ctx context.Context, e Endpoint, timeout time.Duration) (net.Conn, *Failure) {
	bounded := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	dialer := net.Dialer{KeepAliveConfig: loop.KeepAlive}
	conn, err := dialer.DialContext(bounded, "tcp", e.Address.String())
	if err == nil && e.TLS {
		conn, err = encrypt(bounded, conn, e.ServerName)
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
func encrypt(ctx context.Context, conn net.Conn, serverName string) (net.Conn, error) {
	secure := tls.Client(loop.NewConn(conn, nil), tlsConfig(serverName))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// tlsConfig is the client side of TLS towards endpoints. Pods mostly have certificates that nobody
// outside can verify; TLS keeps onlookers out, not impostors.
func tlsConfig(serverName string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         serverName,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true, // model.BackendRef.TLS promises no more
	}
}

// hostname returns the host of a Host header without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
