//go:build linux

package main

import (
	"errors"
	"flag"
	"io"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// writeReport writes the tables of a report that is in a file.
func writeReport(args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("wsbench report", flag.ContinueOnError)
	flags.SetOutput(log)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("report: one file is needed")
	}
	r, err := report.Read(flags.Arg(0))
	if err != nil {
		return err
	}
	return errors.Join(r.WriteTables(out, ours), r.WriteBars(out, ours))
}
