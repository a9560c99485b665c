package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/proxy/probe"
)

// The exit codes of a command that judges: 1 says that what it looked at is bad, 2 that it could not
// look.
const (
	exitBad   = 1
	exitUsage = 2
)

// exit is an error with an exit code of its own.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string { return e.err.Error() }
func (e exit) Unwrap() error { return e.err }

// exitCode returns the exit code for an error of a command.
func exitCode(err error) int {
	var e exit
	if errors.As(err, &e) {
		return e.code
	}
	return exitBad
}

// probeFlags are the flags that need more than a place to be put in.
type probeFlags struct {
	options probe.Options
	headers []string
	ca      string
	output  string
	patient time.Duration
}

func newProbe() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Do one WebSocket handshake and explain what came of it; exit 1 if it doesn't work",
		Long: "Do one WebSocket handshake and explain what came of it: what was answered, by whom, and what to\n" +
			"change. When it fails, a few further handshakes that differ in one thing tell causes apart.\n\n" +
			"Exit code 0: the socket works. 1: it doesn't. 2: wrong usage.",
		Example: "  fairlead probe wss://chat.example.com/socket --origin https://app.example.com\n" +
			"  fairlead probe wss://chat.example.com/socket --connect-to 10.1.2.3:8443   # past the load balancer\n" +
			"  fairlead probe wss://chat.example.com/socket --idle 5m                    # who closes silent sockets?\n" +
			"  fairlead probe wss://chat.example.com/socket --retry-for 2m               # wait until it works\n" +
			"  fairlead probe wss://api.example.com/graphql --subprotocol graphql-transport-ws --send '{\"type\":\"connection_init\"}'",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return exit{exitUsage, errors.New("one URL is needed, such as wss://chat.example.com/socket")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.URL = args[0]
			return f.run(cmd)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit{exitUsage, err} })
	f.add(cmd)
	return cmd
}

func (f *probeFlags) add(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&o.ConnectTo, "connect-to", "", "connect to `host:port` instead; Host, SNI and the name of the certificate stay those of the URL")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header to add (`'Name: value'`); may be given more than once")
	flags.StringVar(&o.Origin, "origin", "", "Origin, as a page of it would send")
	flags.StringVar(&o.Cookie, "cookie", "", "cookies to send (`'name=value; …'`)")
	flags.StringSliceVar(&o.Subprotocols, "subprotocol", nil, "subprotocol to offer (`name`); may be given more than once")
	flags.StringVar(&o.Extensions, "extensions", "", "extensions to offer, as browsers do with 'permessage-deflate; client_max_window_bits' (`value`)")
	flags.BoolVarP(&o.Insecure, "insecure", "k", false, "go on whatever is wrong with the certificate")
	flags.StringVar(&f.ca, "ca", "", "certificates of the authorities to trust, in PEM (`file`)")
	flags.DurationVar(&o.Timeout, "timeout", probe.DefaultTimeout, "of each step")
	flags.StringVar(&o.Send, "send", "", "send this text message and wait for any message")
	flags.DurationVar(&o.Idle, "idle", 0, "stay silent this long, to find out who closes and when")
	flags.DurationVar(&o.Ping, "ping", 0, "send a Ping of this interval while --idle lasts")
	flags.BoolVar(&o.AllAddresses, "all-addresses", false, "probe each address of the name")
	flags.DurationVar(&f.patient, "retry-for", 0, "try again every second until it works, for so long")
	flags.BoolVar(&o.Once, "once", false, "no further handshakes to tell causes apart")
	flags.StringVarP(&f.output, "output", "o", "text", "`format`: text or json")
}

func (f *probeFlags) run(cmd *cobra.Command) error {
	if f.output != "text" && f.output != "json" {
		return exit{exitUsage, fmt.Errorf("--output %q: text or json", f.output)}
	}
	if f.patient < 0 {
		return exit{exitUsage, fmt.Errorf("--retry-for %s: must not be negative", f.patient)}
	}
	if err := f.complete(); err != nil {
		return exit{exitUsage, err}
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	report, err := f.await(ctx, cmd)
	if err != nil {
		return exit{exitUsage, err}
	}
	if err := f.print(cmd, report); err != nil {
		return err
	}
	if !report.Verdict.Works {
		return exit{exitBad, errors.New("the socket does not work: " + string(report.Verdict.Finding))}
	}
	return nil
}

// retryPause is between two tries.
const retryPause = time.Second

// await probes until the socket works or the time for that is over. It tells what it waits for; the last probe
// explains it.
func (f *probeFlags) await(ctx context.Context, cmd *cobra.Command) (*probe.Report, error) {
	quick := f.options
	quick.Once = true
	var told probe.Finding
	for end := time.Now().Add(f.patient); time.Now().Before(end) && ctx.Err() == nil; {
		report, err := probe.Run(ctx, quick)
		if err != nil || report.Verdict.Works {
			return report, err
		}
		if finding := report.Verdict.Finding; finding != told {
			told = finding
			cmd.PrintErrf("not yet: %s: %s\n", finding, report.Verdict.Summary)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
	return probe.Run(ctx, f.options)
}

func (f *probeFlags) print(cmd *cobra.Command, report *probe.Report) error {
	if f.output == "text" {
		return report.WriteText(cmd.OutOrStdout())
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(report)
}

// complete reads headers and certificates.
func (f *probeFlags) complete() error {
	f.options.Header = http.Header{}
	for _, line := range f.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("--header %q: must be 'Name: value'", line)
		}
		f.options.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if f.ca == "" {
		return nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return fmt.Errorf("--ca: %w", err)
	}
	f.options.Roots = x509.NewCertPool()
	if !f.options.Roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--ca %s: has no certificate in PEM", f.ca)
	}
	return nil
}
