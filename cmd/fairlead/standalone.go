package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy"
)

func newStandalone() *cobra.Command {
	var (
		server    serverFlags
		translate translateFlags
		paths     []string
	)
	cmd := &cobra.Command{
		Use:   "standalone",
		Short: "Serve what the manifests in files and folders want, without a cluster",
		Long: "Serve what the manifests in files and folders want, without a cluster.\n\n" +
			"The manifests are those that a cluster would be given, EndpointSlices included, and are\n" +
			"watched for changes. A file with a mistake keeps the state in which it was last good.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(paths) == 0 {
				return errors.New("--manifests is needed: files or folders")
			}
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
			options, err := translate.complete()
			if err != nil {
				return err
			}
			files, err := snapshot.NewFiles(paths...)
			if err != nil {
				return err
			}
			return server.serve(untilSignal(cmd.Context(), log, flush), log, func(ctx context.Context, s *proxy.Server, log *slog.Logger) error {
				return controllers.Standalone(ctx, files, s, controllers.Options{Translate: options, Log: log})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&paths, "manifests", nil, "file or folder of manifests; may be given more than once (`PATH`)")
	server.add(flags, serverDefaults{admin: "127.0.0.1:9090", spread: time.Second, logFormat: "text"})
	translate.add(flags)
	return cmd
}
