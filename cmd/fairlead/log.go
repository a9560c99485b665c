package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fairlead/fairlead/proxy/observe"
)

// logFlags say what is logged and how.
type logFlags struct {
	level  slog.Level
	format string
}

func (l *logFlags) add(flags *pflag.FlagSet, format string) {
	flags.TextVar(&l.level, "log-level", slog.LevelInfo, "least `level` to log: debug, info, warn or error")
	flags.StringVar(&l.format, "log-format", format, "`format` of log lines: json or text")
}

// lastLines is how long the last lines have to get out when the process ends.
const lastLines = 2 * time.Second

// start makes the logger and gives it to the libraries that log by themselves. flush lets out what
// was logged, for the end of the process: nothing is logged after it.
func (l *logFlags) start(to io.Writer) (log *slog.Logger, flush func(), err error) {
	options := &slog.HandlerOptions{Level: l.level}
	var format func(io.Writer) slog.Handler
	switch l.format {
	case "json":
		format = func(to io.Writer) slog.Handler { return slog.NewJSONHandler(to, options) }
	case "text":
		format = func(to io.Writer) slog.Handler { return slog.NewTextHandler(to, options) }
	default:
		return nil, nil, fmt.Errorf("--log-format %q: json or text", l.format)
	}
	outlet := observe.NewOutlet(to, format)
	flush = func() { outlet.Close(lastLines) }
	handler := outlet.Handler()
	log = slog.New(handler)
	slog.SetDefault(log)
	klog.SetLogger(logr.FromSlogHandler(handler))
	klog.OsExit = func(code int) { flush(); os.Exit(code) }
	ctrllog.SetLogger(logr.FromSlogHandler(handler))
	return log, flush, nil
}
