package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/proxy"
)

func newController() *cobra.Command {
	var (
		server    serverFlags
		translate translateFlags
		cluster   clusterFlags
	)
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Serve what the Ingresses and WebSocketRoutes of a cluster want",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := server.complete(); err != nil {
				return err
			}
			log, flush, err := server.logs.start(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer flush()
			for _, line := range strangers(cmd.Root(), os.Environ()) {
				log.Warn(line)
			}
			fitLimits(cmd.Context(), log)
			api, err := config.GetConfig()
			if err != nil {
				return fmt.Errorf("no cluster: not in a pod and no kubeconfig: %w", err)
			}
			options := cluster.complete()
			if options.Translate, err = translate.complete(); err != nil {
				return err
			}
			server.options.Registry = metrics.Registry // with what controller-runtime measures
			options.Log = log
			return server.serve(untilSignal(cmd.Context(), log, flush), log, func(ctx context.Context, s *proxy.Server, _ *slog.Logger) error {
				return controllers.Run(ctx, api, s, options)
			})
		},
	}
	flags := cmd.Flags()
	server.add(flags, serverDefaults{admin: ":9090", delay: 5 * time.Second, spread: 10 * time.Second, redirectPort: 443, logFormat: "json"})
	translate.add(flags)
	cluster.add(flags)
	flags.AddGoFlag(flag.Lookup("kubeconfig")) // controller-runtime's
	cmd.MarkFlagsMutuallyExclusive("publish-service", "publish-status-address")
	cmd.MarkFlagsMutuallyExclusive("watch-namespace", "watch-namespace-selector")
	return cmd
}
