package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	if err := newRoot(os.Args[0], os.LookupEnv).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "fairlead:", err)
		os.Exit(exitCode(err))
	}
}

// newRoot returns the command line. program is the name under which the binary was started.
func newRoot(program string, environment func(string) (string, bool)) *cobra.Command {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	root := &cobra.Command{
		Use:           name,
		Short:         "Fairlead leads WebSockets into a Kubernetes cluster and never cuts them",
		SilenceErrors: true, // main prints the error
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true                      // an error from here on is not about the command line's shape
			if cmd.Flags().Lookup("log-format") == nil { // commands with a log say it there
				for _, line := range strangers(cmd.Root(), os.Environ()) {
					cmd.PrintErrln("fairlead:", line)
				}
			}
			return fromEnvironment(cmd.Flags(), environment)
		},
	}
	if plugin, ok := strings.CutPrefix(name, "kubectl-"); ok {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl " + plugin}
	}
	root.AddCommand(newController(), newStandalone(), newCheck(), newProbe(), newEcho(), newRetire(), newMigrate(), newVersion())
	return root
}

// untilSignal returns a context that is done at the first SIGINT or SIGTERM. A second one ends the
// process at once, for whoever does not want to wait for the drain.
func untilSignal(parent context.Context, log *slog.Logger, flush func()) context.Context {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		log.Error("second signal: ended without draining")
		flush()
		os.Exit(1)
	}()
	return ctx
}
