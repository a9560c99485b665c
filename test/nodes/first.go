package nodes

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// beWorld is the life of the world's first process.
func beWorld() int {
	pid, err := startTests()
	if err != nil {
		fmt.Fprintf(os.Stderr, "furnish the world of the nodes: %v\n", err)
		return 1
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	go func() {
		for s := range signals {
			_ = syscall.Kill(pid, s.(syscall.Signal)) // it may have ended in this moment
		}
	}()
	return reapUntil(pid)
}

func startTests() (pid int, err error) {
	outside, err := os.Readlink("/proc/self") // of the machine's /proc, as long as it is there
	if err != nil {
		return 0, err
	}
	if err := furnishWorld(); err != nil {
		return 0, err
	}
	environment := []string{stageVariable + "=" + stageTests, outsideVariable + "=" + outside, "TMPDIR=" + worldTemp}
	for _, one := range os.Environ() {
		if name := variableName(one); name != stageVariable && name != "TMPDIR" {
			environment = append(environment, one)
		}
	}
	// Not os/exec: reapUntil would take the end of the process away from it.
	return syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
		Env:   environment,
		Files: []uintptr{0, 1, 2},
	})
}

func variableName(variable string) string {
	for i := range len(variable) {
		if variable[i] == '=' {
			return variable[:i]
		}
	}
	return variable
}

// beNode is the life of a node's first process. It reports by the pipe that it was given, and lives until it is killed.
func beNode() int {
	report := os.NewFile(reportDescriptor, "report")
	err := furnishNode(os.Getenv(nodeVariable))
	if err != nil {
		_, _ = report.WriteString(err.Error()) // whoever waits sees the end of the pipe in any case
	} else {
		_, _ = report.WriteString(furnished)
	}
	_ = report.Close() // nothing more to say
	if err != nil {
		return 1
	}
	// As a first process we get no signal from inside that we don't ask for.
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for range children {
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
	}
	return 0
}

// reapUntil reaps children, orphans among them, until the one with the given pid has ended, and returns its exit code.
func reapUntil(pid int) int {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			fmt.Fprintf(os.Stderr, "wait for the tests: %v\n", err)
			return 1
		case ended == pid && (status.Exited() || status.Signaled()):
			return exitCode(status)
		}
	}
}
