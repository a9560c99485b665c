package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "roles:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("roles", flag.ContinueOnError)
	from := flags.String("from", "controllers", "folder of the Go files with markers")
	cluster := flags.String("cluster", "", "file for the ClusterRole and the Role of config/rbac")
	selector := flags.String("selector", "", "file for the ClusterRole that --watch-namespace-selector needs besides")
	chart := flags.String("chart", "", "file for the templates of the chart")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reasons, err := read(*from)
	if err != nil {
		return err
	}
	for file, content := range map[string]string{*cluster: roles(reasons), *selector: selectorRole(reasons), *chart: templates(reasons)} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil { //nolint:gosec // it is no secret
			return err
		}
	}
	return nil
}
