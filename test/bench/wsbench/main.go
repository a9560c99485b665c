//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

const usage = `usage:
  wsbench run [flags]            measure; run --help lists the flags
  wsbench report [flags] FILE    write the tables of a report
`

func main() {
	// Children end with the thread that started them (Pdeathsig): stay on the first one, which lasts.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "wsbench: %v\n", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out, log io.Writer) error {
	name := "run"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	switch name {
	case "run":
		o, err := parse(args, log)
		if err != nil {
			return err
		}
		return runAll(ctx, o, out, log)
	case "report":
		return writeReport(args, out, log)
	}
	_, _ = io.WriteString(log, usage)
	return flag.ErrHelp
}
