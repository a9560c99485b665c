package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Someone tries a route out before the pod behind it has started: the probe waits for the echo, and the echo ends when
// it is told to.
func TestProbeWaitsForAnEcho(t *testing.T) {
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	program := binary(t)
	probe := exec.CommandContext(t.Context(), program, "probe", "ws://"+address+"/any", "--send", "hello", "--retry-for", "1m")
	stderr, err := probe.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	probe.Stdout = &report
	if err := probe.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "not yet: ConnectRefused: ") {
		t.Errorf("the probe waits and says %q", lines.Text())
	}

	echo := exec.CommandContext(t.Context(), program, "echo", "--address", address)
	echo.Env = append(os.Environ(), "POD_NAME=echo-1")
	echo.Stderr = os.Stderr
	if err := echo.Start(); err != nil {
		t.Fatal(err)
	}
	var further []string
	for lines.Scan() {
		further = append(further, lines.Text())
	}
	if err := probe.Wait(); err != nil || len(further) > 0 || !strings.Contains(report.String(), "WORKS (Works)") {
		t.Errorf("the probe ends with %v, says %q and\n%s", err, further, report.String())
	}
	if err := echo.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := echo.Wait(); err != nil {
		t.Errorf("the echo ends with %v", err)
	}
}

// When nothing comes the probe says at last what it finds, and fails.
func TestProbeWaitsNoLongerThanItShall(t *testing.T) {
	begin := time.Now()
	out, err := run("fairlead", "probe", "ws://127.0.0.1:1/", "--retry-for", "1s")
	if exitCode(err) != exitBad || !strings.Contains(fmt.Sprint(err), "ConnectRefused") || !strings.Contains(out, "ConnectRefused") {
		t.Errorf("%v\n%s", err, out)
	}
	if took := time.Since(begin); took < time.Second || took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := run("fairlead", "probe", "ws://127.0.0.1:1/", "--retry-for", "-1s"); exitCode(err) != exitUsage {
		t.Errorf("a negative time: %v", err)
	}
	if out, err := run("fairlead", "echo", "--address", "nowhere"); err == nil || !strings.Contains(err.Error(), "--address") {
		t.Errorf("no address: %v\n%s", err, out)
	}
}
