package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
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

// start makes the logger and gives it to the libraries that log by themselves.
func (l *logFlags) start(to io.Writer) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: l.level}
	var handler slog.Handler
	switch l.format {
	case "json":
		handler = slog.NewJSONHandler(to, options)
	case "text":
		handler = slog.NewTextHandler(to, options)
	default:
		return nil, fmt.Errorf("--log-format %q: json or text", l.format)
	}
	log := slog.New(handler)
	slog.SetDefault(log)
	klog.SetLogger(logr.FromSlogHandler(handler))
	ctrllog.SetLogger(logr.FromSlogHandler(handler))
	return log, nil
}
