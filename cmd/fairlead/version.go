package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// What hack/build.sh writes into the binary; empty in one of plain go build or go install.
var version, revision, created string

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say what this binary is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "fairlead %s, %s %s/%s\n", thisBuild(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// build is what is known about a binary. What is not known is empty.
type build struct {
	version  string
	revision string // the commit
	created  string // the time of the commit, RFC 3339
	changed  bool   // what was built is not all in the commit
}

func thisBuild() build {
	if version != "" {
		return build{version, revision, created, strings.HasSuffix(version, ".dirty")}
	}
	info, _ := debug.ReadBuildInfo()
	return buildOf(info)
}

// buildOf returns what the go command has written into a binary.
func buildOf(info *debug.BuildInfo) build {
	if info == nil {
		return build{version: "(built without modules)"}
	}
	b := build{version: strings.TrimPrefix(info.Main.Version, "v")}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.revision = setting.Value
		case "vcs.time":
			b.created = setting.Value
		case "vcs.modified":
			b.changed = setting.Value == "true"
		}
	}
	return b
}

// String tells the version and, as far as the build knew it, the commit and whether it was changed.
func (b build) String() string {
	s := b.version
	if b.revision != "" {
		s += fmt.Sprintf(", commit %.12s", b.revision)
		if b.created != "" {
			s += " of " + b.created
		}
	}
	if b.changed {
		s += " with changes"
	}
	return s
}
