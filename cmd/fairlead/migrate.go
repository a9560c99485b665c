package main

import (
	"github.com/spf13/cobra"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Turn the configuration of another proxy into manifests, and tell what differs",
	}
	cmd.AddCommand(newMigrateNginx(), newMigrateIngress())
	return cmd
}
