package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestGoGetsNineTenthsOfTheMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	broken := errors.New("memory.max: permission denied")
	fails := func(err error) memlimit.Provider { return func() (uint64, error) { return 0, err } }
	for name, c := range map[string]struct {
		cgroup memlimit.Provider
		limit  int64
		from   string
		err    error
	}{
		"limited":     {memlimit.Limit(1000 << 20), 900 << 20, "cgroup", nil},
		"not limited": {fails(memlimit.ErrNoLimit), math.MaxInt64, "none", nil},
		"no cgroup":   {fails(memlimit.ErrNoCgroup), math.MaxInt64, "none", nil},
		"no Linux":    {fails(memlimit.ErrCgroupsNotSupported), math.MaxInt64, "none", nil},
		"unreadable":  {fails(broken), math.MaxInt64, "none", broken},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		ctx, cancel := context.WithCancel(t.Context())
		limit, from, err := limitMemory(ctx, c.cgroup)
		cancel()
		if limit != c.limit || from != c.from || !errors.Is(err, c.err) {
			t.Errorf("%s: %d from %s, %v", name, limit, from, err)
		}
		if now := debug.SetMemoryLimit(-1); now != c.limit {
			t.Errorf("%s: the limit is %d", name, now)
		}
	}
}

// Someone starts the binary with limits of their own, where few files may be open, and looks at
// what it makes of them.
func TestTheLimitsAreTold(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 1000 && exec "$@"`, "sh",
		binary(t), "standalone", "--manifests="+t.TempDir(), "--http-address=127.0.0.1:0", "--https-address=", "--admin-address=", "--log-format=json")
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=300MiB", "GOMAXPROCS=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	told := logged(t, lines, "limits")
	for key, want := range map[string]any{"gomaxprocs": 1.0, "gomemlimit": "300MiB", "gomemlimit_from": "environment", "open_files": 1000.0} {
		if told[key] != want {
			t.Errorf("%s is told as %v, want %v", key, told[key], want)
		}
	}
	if warned := logged(t, lines, "few files may be open"); warned["level"] != "WARN" {
		t.Errorf("told as %v", warned)
	}
	logged(t, lines, "listening")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, rest)
	}
}

// Nobody reads the log any more. Requests are served all the same, and the process ends when told to.
func TestServingDoesNotWaitForWhoeverReadsTheLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	write(t, file, manifests("a.example.com", "127.0.0.1:1"))
	cmd := exec.CommandContext(t.Context(), binary(t), "standalone", "--manifests="+file, "--log-level=debug", "--log-format=json",
		"--http-address=127.0.0.1:0", "--https-address=", "--admin-address=")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	address, _ := logged(t, lines, "listening")["http"].(string)
	logged(t, lines, "route table published")
	for range 2000 { // some 400 KiB of lines, where the pipe holds 64
		if got := get(t, address, "nobody.example.com"); !strings.HasPrefix(got, "NoRoute") {
			t.Fatalf("answered %q", got)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := cmd.Process.Wait(); ended <- err }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not end")
	}
}
