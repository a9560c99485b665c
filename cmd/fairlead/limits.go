package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// goShare is the part of the cgroup's memory for what Go counts. The rest is for what it does
	// not, above all the kernel's buffers of sockets.
	goShare = 0.9
	// limitInterval is how soon a pod's memory that was resized in place counts.
	limitInterval = time.Minute
	// fewFiles is a limit of open files that a busy replica will hit: each tunnel takes two.
	fewFiles = 1 << 16
)

// fitLimits fits the process into what the system gives it, until ctx is done, and logs what that
// is. The CPU limit of the cgroup needs nothing: GOMAXPROCS follows it.
func fitLimits(ctx context.Context, log *slog.Logger) {
	go tidy(ctx)
	limit, from, err := limitMemory(ctx, memlimit.FromCgroup)
	if err != nil {
		log.Warn("the memory limit of the cgroup can't be read: set GOMEMLIMIT to nine tenths of it", "error", err)
	}
	gomemlimit := "off"
	if limit != math.MaxInt64 {
		gomemlimit = strconv.FormatInt(limit>>20, 10) + "MiB"
	}
	attrs := []any{"gomaxprocs", runtime.GOMAXPROCS(0), "gomemlimit", gomemlimit, "gomemlimit_from", from}
	files, limited := openFiles()
	if limited {
		attrs = append(attrs, "open_files", files)
	}
	log.Info("limits", attrs...)
	if limited && files < fewFiles {
		log.Warn("few files may be open, and each socket takes two: raise the limit (ulimit -Hn, LimitNOFILE= of a systemd unit, or that of the container runtime)",
			"open_files", files, "wanted", fewFiles)
	}
}

// limitMemory sets Go's soft memory limit, unless the user did, and returns it in bytes
// (math.MaxInt64: none) and where it is from.
func limitMemory(ctx context.Context, cgroup memlimit.Provider) (limit int64, from string, err error) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		return debug.SetMemoryLimit(-1), "environment", nil
	}
	limit, err = memlimit.Set(memlimit.WithProvider(cgroup), memlimit.WithRatio(goShare), memlimit.WithRefreshInterval(ctx, limitInterval))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
		return limit, "none", nil
	case err != nil || limit == math.MaxInt64:
		return limit, "none", err
	}
	return limit, "cgroup", nil
}
