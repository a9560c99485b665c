package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say what this binary is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version(info))
			return err
		},
	}
}

// version tells the version and, as far as the build knew it, the commit and whether it was changed.
func version(info *debug.BuildInfo) string {
	if info == nil {
		return "fairlead, built without modules by " + runtime.Version()
	}
	s := "fairlead " + info.Main.Version
	stamp := map[string]string{}
	for _, setting := range info.Settings {
		stamp[setting.Key] = setting.Value
	}
	if commit := stamp["vcs.revision"]; commit != "" {
		s += fmt.Sprintf(", commit %.12s of %s", commit, stamp["vcs.time"])
		if stamp["vcs.modified"] == "true" {
			s += " with changes"
		}
	}
	return s + fmt.Sprintf(", %s %s/%s", info.GoVersion, runtime.GOOS, runtime.GOARCH)
}
