package accept

import (
	"context"
	"fmt"
	"net"

	"github.com/fairlead/fairlead/proxy/loop"
)

// Listen listens for TCP connections on address, "host:port". Without a host it takes IPv4 and IPv6
// alike; port 0 takes a free one. ctx bounds the lookup of a host's name, not the listener's life.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: loop.KeepAlive}
	// Multipath TCP, which Go listens for where it can, refuses the options of TCP that event loops
	// need: before Linux 6.10 those of keepalive.
	config.SetMultipathTCP(false)
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w (is the port free, and may this user take it?)", address, err)
	}
	return listener, nil
}
