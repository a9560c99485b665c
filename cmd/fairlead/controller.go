package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/proxy"
)

func newController() *cobra.Command {
	var (
		server    serverFlags
		translate translateFlags
		options   controllers.Options
		service   objectName
		published addresses
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
			fitLimits(cmd.Context(), log)
			cluster, err := config.GetConfig()
			if err != nil {
				return fmt.Errorf("no cluster: not in a pod and no kubeconfig: %w", err)
			}
			if options.Translate, err = translate.options(); err != nil {
				return err
			}
			server.options.Registry = metrics.Registry // with what controller-runtime measures
			options.PublishService, options.PublishAddresses, options.Log = types.NamespacedName(service), published, log
			return server.serve(untilSignal(cmd.Context(), log, flush), log, func(ctx context.Context, s *proxy.Server, _ *slog.Logger) error {
				return controllers.Run(ctx, cluster, s, options)
			})
		},
	}
	flags := cmd.Flags()
	server.add(flags, serverDefaults{admin: ":9090", delay: 5 * time.Second, spread: 10 * time.Second, redirectPort: 443, logFormat: "json"})
	translate.add(flags)
	flags.Var(&service, "publish-service", "Service whose addresses are written into the status of objects")
	flags.Var(&published, "publish-status-address", "IP addresses and DNS names for the status of objects, instead of those of a Service")
	flags.DurationVar(&options.PublishInterval, "publish-interval", controllers.DefaultPublishInterval, "least time between two route tables")
	flags.StringVar(&options.Lease.Namespace, "leader-election-namespace", "", "`namespace` of the Lease; empty: that of the pod")
	flags.StringVar(&options.Lease.Name, "leader-election-id", "", "`name` of the Lease that the replicas compete for; empty: fairlead-leader, and another for each further controller name")
	flags.StringVar(&options.TicketSecret, "ticket-secret", "", "`name` of the Secret, in the namespace of the Lease, in which the replicas share the keys of TLS session tickets; empty: fairlead-tickets, and another for each further controller name")
	flags.AddGoFlag(flag.Lookup("kubeconfig")) // controller-runtime's
	cmd.MarkFlagsMutuallyExclusive("publish-service", "publish-status-address")
	return cmd
}
