package accept

import (
	"context"
	"fmt"
	"net"
	"time"
)

// keepAlive finds peers that vanished without a word: a probe after 30 s of silence, then every
// 10 s, and the connection is over when the third in a row stays unanswered.
var keepAlive = net.KeepAliveConfig{
	Enable:   true,
	Idle:     30 * time.Second,
	Interval: 10 * time.Second,
	Count:    3,
}

// Listen listens for TCP connections on address, "host:port". Without a host it takes IPv4 and IPv6
// alike; port 0 takes a free one. ctx bounds the lookup of a host's name, not the listener's life.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w (is the port free, and may this user take it?)", address, err)
	}
	return listener, nil
}
