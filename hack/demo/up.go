package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/cluster"
)

// readyVariable names the file descriptor on which a detached demo says that it is ready.
const readyVariable = "FAIRLEAD_DEMO_READY_FD"

const stoppedText = "stopped; nothing is left running"

// up runs a demo until it is told to stop, or leaves one running.
func up(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	var at ports
	if err := at.add(flags); err != nil {
		return err
	}
	detached := flags.Bool("detach", false, "return when all is served and leave it running; end it with: go run ./hack/demo down")
	if err := flags.Parse(args); err != nil {
		return err
	}
	held, err := claim()
	if err != nil {
		return err
	}
	if *detached {
		return errors.Join(held.release(), detach(at, out))
	}
	listeners, err := at.listen()
	if err != nil {
		return errors.Join(err, os.RemoveAll(stateDir), held.release())
	}
	defer closeAll(listeners)
	if err := outside(at, listeners, out); err != nil {
		// The logs explain the error; the next "up" clears them away.
		return errors.Join(fmt.Errorf("%w\nlogs are in %s", err, stateDir), held.release())
	}
	return errors.Join(os.RemoveAll(stateDir), held.release())
}

// claim takes the lock and makes the demo's folder new and empty. Part of a detached demo, it leaves the folder as it is.
func claim() (*lock, error) {
	held, pid, err := takeLock()
	if err != nil {
		return nil, err
	}
	if held == nil {
		return nil, fmt.Errorf("one runs already, process %d; end it with: make demo-down (or go run ./hack/demo down)", pid)
	}
	if os.Getenv(readyVariable) == "" {
		if err := os.RemoveAll(stateDir); err != nil {
			return nil, errors.Join(err, held.release())
		}
	}
	for _, dir := range []string{clusterDir, tempDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, errors.Join(err, held.release())
		}
	}
	return held, nil
}

// outside is the outer process once it has its ports: programs, then the inner process until it ends.
func outside(at ports, listeners []*os.File, out io.Writer) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := endWithParent(); err != nil {
		return err
	}
	if stopped, err := build(signals, out); err != nil || stopped {
		if stopped {
			tell(out, stoppedText)
		}
		return err
	}
	cmd, err := innerCommand(at, out)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.ExtraFiles = slices.Clone(listeners)
	temp, err := filepath.Abs(tempDir)
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Environ(), "TMPDIR="+temp)
	if text := os.Getenv(readyVariable); text != "" {
		fd, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s: %w", readyVariable, err)
		}
		ready := os.NewFile(uintptr(fd), "ready")
		cmd.ExtraFiles = append(cmd.ExtraFiles, ready)
		cmd.Args = append(cmd.Args, "--tell-ready")
		defer func() { _ = ready.Close() }() // closed unspoken, it says that this failed
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the inner process: %w", err)
	}
	return wait(cmd, signals, out)
}

// endWithParent asks the kernel for SIGTERM when the process that started us ends: "go run" and "make" do not pass on
// the signal that kills them. A detached demo has no such parent.
func endWithParent() error {
	if os.Getenv(readyVariable) != "" {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
		return fmt.Errorf("tie the demo to its parent: %w", err)
	}
	return nil
}

// wait waits for the inner process, and passes on that it shall stop: nicely once, then not.
func wait(cmd *exec.Cmd, signals <-chan os.Signal, out io.Writer) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for asked := 0; ; {
		select {
		case err := <-ended:
			if err != nil && asked < 2 {
				return fmt.Errorf("the demo ended: %w", err)
			}
			if asked > 0 {
				tell(out, stoppedText)
			}
			return nil
		case <-signals:
			asked++
			if asked == 1 {
				tell(out, "\nstopping (again to kill)")
				_ = cmd.Process.Signal(syscall.SIGTERM) // ended in this moment: the other case tells
			} else {
				_ = cmd.Process.Kill()
			}
		}
	}
}

// innerCommand prepares the inner process, isolated where that is permitted.
func innerCommand(at ports, out io.Writer) (*exec.Cmd, error) {
	args := append([]string{commandInside}, at.args()...)
	cmd, err := cluster.Isolated(args...)
	if err == nil {
		cmd.SysProcAttr.Setpgid = true // Ctrl-C is for the outer process
		return cmd, nil
	}
	tell(out, "%v\nthe pods share this machine's address instead, on ports of their own", err)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd = exec.Command(self, args...)
	// No process namespace ends what the inner process started: it has to be asked, even when we are killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return cmd, nil
}

// listen opens the ports on 127.0.0.1.
func (p *ports) listen() ([]*os.File, error) {
	var files []*os.File
	for _, one := range p.all() {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(*one.port)))
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("port %d, for %s: %w\nchoose another one with --%s or %s", *one.port, one.what, err, one.flag, one.variable)
		}
		file, err := listener.(*net.TCPListener).File()
		_ = listener.Close() // file is a copy of it
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("port %d: %w", *one.port, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // listeners: nothing is lost
	}
}

// build makes the programs that are missing or old, and shows progress. It returns true when a signal ended it.
func build(signals <-chan os.Signal, out io.Writer) (stopped bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	steps := [][]string{
		{"hack/kube/build.sh"},
		{"go", "build", "-o", "bin/fairlead", "./cmd/fairlead"},
	}
	for _, step := range steps {
		begin := time.Now()
		cmd := exec.CommandContext(ctx, step[0], step[1:]...)
		cmd.Stdout, cmd.Stderr = out, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // compilers included
		if err := cmd.Start(); err != nil {
			return false, fmt.Errorf("%s: %w", step[0], err)
		}
		done := make(chan struct{})
		var failed error
		go func() {
			failed = cmd.Wait()
			close(done)
		}()
		select {
		case <-done:
			if failed != nil {
				return false, fmt.Errorf("%s: %w", strings.Join(step, " "), failed)
			}
		case <-signals:
			cancel()
			<-done
			return true, nil
		}
		if took := time.Since(begin); took > time.Second {
			tell(out, "%-55s %6.1f s", "built with "+step[0], took.Seconds())
		}
	}
	return false, nil
}
