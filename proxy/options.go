package proxy

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
)

// Options configure a Server for its whole life; everything that may change while it runs is in
// the route table.
type Options struct {
	// HTTPAddress, HTTPSAddress and AdminAddress are host:port to listen on; "" leaves one out.
	HTTPAddress, HTTPSAddress, AdminAddress string
	// MinTLS is the lowest version of TLS, of package crypto/tls, for clients of hosts whose routes ask
	// for no other. 0: 1.2.
	MinTLS uint16
	// RedirectPort is the port of https as clients see it, for redirects; 0 stands for 443.
	RedirectPort int
	// TrustedProxies may tell the client's address, host and scheme by X-Forwarded-* headers.
	// None by default: the headers of everybody else are replaced.
	TrustedProxies []netip.Prefix
	// ProxyProtocol are the networks of load balancers that begin each connection for HTTPAddress and
	// HTTPSAddress with the PROXY protocol, version 1 or 2. Connections from there must; the client is
	// then whom it names. None by default: from everybody else it is no more than bytes.
	ProxyProtocol []netip.Prefix
	// ServerName is sent as X-Forwarded-Server. "": the machine's host name.
	ServerName string
	Drain      DrainOptions
	// Build is told by the metric fairlead_build_info.
	Build observe.Build
	// Registry takes the metrics and gives them at /metrics. nil: one of its own.
	Registry observe.Registry
	Log      *slog.Logger // nil: slog.Default
}

// DrainOptions say how the server goes when it is told to stop.
type DrainOptions struct {
	// Delay is how long it still accepts after readiness was withdrawn, so that load balancers notice.
	Delay time.Duration
	// Spread is the window over which the Close frames (1001) of the sessions are spread.
	Spread time.Duration
	// Timeout ends whatever is left, plain requests too, counted from the end of Delay. 0: as soon
	// as Spread is over and the last closing handshake had its time.
	Timeout time.Duration
}

// limit is how long after the Delay everything has ended.
func (d DrainOptions) limit() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return d.Spread + 2*model.DefaultClose
}
