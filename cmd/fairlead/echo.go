package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/cmd/fairlead/echo"
)

func newEcho() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "echo",
		Short: "Serve WebSockets that answer each message with the same message, to try a route out",
		Long: "Serve WebSockets that answer each message with the same message: something to lead to when a route is tried\n" +
			"out. Any path upgrades; /healthz is for probes; the header " + echo.PodHeader + " names who answers (POD_NAME, or\n" +
			"the host name). SIGTERM closes all sockets with 1001.",
		Example: "  fairlead echo --address :8080\n" +
			"  fairlead probe ws://localhost:8080/ --send hello",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			name, err := os.Hostname()
			if pod := os.Getenv("POD_NAME"); err != nil && pod == "" {
				return fmt.Errorf("who answers: %w", err)
			}
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
			if err != nil {
				return fmt.Errorf("--address: %w", err)
			}
			cmd.PrintErrln("echo on", l.Addr())
			return echo.New(cmp.Or(os.Getenv("POD_NAME"), name)).Serve(ctx, l)
		},
	}
	cmd.Flags().StringVar(&address, "address", ":8080", "`host:port` to listen on")
	return cmd
}
