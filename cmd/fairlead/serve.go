package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/observe"
)

// serverFlags are those of every command that serves.
type serverFlags struct {
	options proxy.Options
	trusted prefixes
	inFront prefixes
	minTLS  tlsVersion
	logs    logFlags
}

// serverDefaults are the defaults in which the commands that serve differ.
type serverDefaults struct {
	admin        string
	delay        time.Duration
	spread       time.Duration
	redirectPort int
	logFormat    string
}

func (f *serverFlags) add(flags *pflag.FlagSet, d serverDefaults) {
	o := &f.options
	flags.StringVar(&o.HTTPAddress, "http-address", ":8080", "host:port for HTTP; empty: off")
	flags.StringVar(&o.HTTPSAddress, "https-address", ":8443", "host:port for HTTPS; empty: off")
	flags.StringVar(&o.AdminAddress, "admin-address", d.admin, "host:port for probes, metrics, routes and sessions; empty: off")
	flags.IntVar(&o.RedirectPort, "redirect-port", d.redirectPort, "`port` of HTTPS as clients see it, for redirects; 0: that of --https-address")
	flags.Var(&f.trusted, "trusted-proxies", "address ranges of proxies in front, whose X-Forwarded-* headers count")
	flags.Var(&f.inFront, "proxy-protocol", "address ranges of load balancers that begin each connection with the PROXY protocol, version 1 or 2, and must")
	flags.Var(&f.minTLS, "tls-min-version", "lowest version of TLS for clients of hosts that ask for no other: 1.2 or 1.3")
	flags.DurationVar(&o.Drain.Delay, "drain-delay", d.delay, "on shutdown, how long to accept connections after readiness is withdrawn")
	flags.DurationVar(&o.Drain.Spread, "drain-spread", d.spread, "then, the time over which the closing of sessions is spread")
	flags.DurationVar(&o.Drain.Timeout, "drain-timeout", 0, "then, when what is left is cut; 0: after the spread and the time of a closing handshake")
	f.logs.add(flags, d.logFormat)
}

// complete checks what the flags hold together.
func (f *serverFlags) complete() error {
	o := &f.options
	o.TrustedProxies, o.ProxyProtocol, o.MinTLS = f.trusted, f.inFront, uint16(f.minTLS)
	for name, d := range map[string]time.Duration{"delay": o.Drain.Delay, "spread": o.Drain.Spread, "timeout": o.Drain.Timeout} {
		if d < 0 {
			return fmt.Errorf("--drain-%s %s: must not be negative", name, d)
		}
	}
	if o.Drain.Timeout > 0 && o.Drain.Timeout < o.Drain.Spread {
		return fmt.Errorf("--drain-timeout %s: shorter than --drain-spread %s, so that sessions would be cut whose time has not come", o.Drain.Timeout, o.Drain.Spread)
	}
	if o.HTTPAddress == "" && o.HTTPSAddress == "" {
		return errors.New("nothing to serve: --http-address and --https-address are both empty")
	}
	if o.RedirectPort == 0 && o.HTTPSAddress != "" {
		_, port, err := net.SplitHostPort(o.HTTPSAddress)
		if err != nil {
			return fmt.Errorf("--https-address: %w", err)
		}
		if o.RedirectPort, err = strconv.Atoi(port); err != nil {
			return fmt.Errorf("--https-address: port %q: give a number, or --redirect-port", port)
		}
	}
	if o.RedirectPort < 0 || o.RedirectPort > 65535 {
		return fmt.Errorf("--redirect-port %d: 1 to 65535", o.RedirectPort)
	}
	return nil
}

// feed keeps a server's table up to date until ctx is done.
type feed func(ctx context.Context, server *proxy.Server, log *slog.Logger) error

// serve serves until ctx is done. The feed goes on while the server drains, so that what changes in
// the meantime, such as endpoints that go, still counts.
func (f *serverFlags) serve(ctx context.Context, log *slog.Logger, feed feed) error {
	f.options.Log = log
	this := thisBuild()
	f.options.Build = observe.Build{Version: this.version, Revision: this.revision}
	log.Info("starting", "version", this.version, "revision", this.revision, "changed", this.changed, "go", runtime.Version())
	server, err := proxy.New(f.options)
	if err != nil {
		return err
	}
	if err := server.Listen(ctx); err != nil {
		return err
	}
	http, https, admin := server.Addrs()
	log.Info("listening", "http", text(http), "https", text(https), "admin", text(admin))

	feeding, stopFeed := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFeed()
	serving, stopServer := context.WithCancel(ctx)
	defer stopServer()
	fed := make(chan error, 1)
	go func() {
		err := feed(feeding, server, log)
		if err != nil {
			log.Error("shutting down", "error", err) // now, and not when the drain is over
			err = errors.New("shut down because of the error above")
		}
		stopServer()
		fed <- err
	}()
	err = server.Serve(serving)
	stopFeed()
	return errors.Join(err, <-fed)
}

// text returns the address, or "off" for none.
func text(a net.Addr) string {
	if a == nil {
		return "off"
	}
	return a.String()
}
