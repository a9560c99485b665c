package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The program that wants a namespace starts itself again; this variable tells the new process which part it plays.
const (
	stageVariable = "FAIRLEAD_TEST_STAGE"
	stageProbe    = "probe"  // set the network up, exit: may we?
	stageInside   = "inside" // set the network up, go on
)

// switchVariable set to "off" makes Isolated refuse, to see how things go where namespaces are not permitted.
const switchVariable = "FAIRLEAD_TEST_NAMESPACE"

// inside is set by Enter before anything else runs.
var inside bool

// Enter must be called at the start of every program that calls Isolated, before flags are read: it plays the part of the
// process inside. It returns true there, with the network ready, and false in a process that was started by hand.
func Enter() bool {
	stage := os.Getenv(stageVariable)
	if stage == "" {
		return false
	}
	_ = os.Unsetenv(stageVariable) // not for our children; fails only for a malformed name
	if err := furnish(); err != nil {
		fmt.Fprintf(os.Stderr, "network namespace: %v\n", err)
		os.Exit(1)
	}
	if stage == stageProbe {
		os.Exit(0)
	}
	inside = true
	return true
}

// Isolated returns the command that runs this program again, with args, as the first process of network and process
// namespaces of its own. The kernel ends all that lives inside when that process ends, and ends that process when the
// thread that started it ends: call Start on a thread that lasts (runtime.LockOSThread in main).
//
// The error says why this machine or user may not have namespaces.
func Isolated(args ...string) (*exec.Cmd, error) {
	if os.Getenv(switchVariable) == "off" {
		return nil, errors.New("no namespace for us here: switched off by " + switchVariable)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program: %w", err)
	}
	var refused []error
	for _, attributes := range isolations() {
		probe := exec.Command(self)
		probe.Env = append(os.Environ(), stageVariable+"="+stageProbe)
		probe.SysProcAttr = attributes()
		said, err := probe.CombinedOutput()
		if err != nil {
			refused = append(refused, fmt.Errorf("%w %s", err, strings.TrimSpace(string(said))))
			continue
		}
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), stageVariable+"="+stageInside)
		cmd.SysProcAttr = attributes()
		return cmd, nil
	}
	return nil, fmt.Errorf("no namespace for us here: %w", errors.Join(refused...))
}

// isolations lists what to try, best first. Root keeps its user, so that files belong to whom they belong; anyone
// else becomes root of a user namespace, in which only he exists.
func isolations() []func() *syscall.SysProcAttr {
	asOwnRoot := func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
	}
	if os.Geteuid() != 0 {
		return []func() *syscall.SysProcAttr{asOwnRoot}
	}
	asRoot := func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
			Pdeathsig:  syscall.SIGKILL,
		}
	}
	return []func() *syscall.SysProcAttr{asRoot, asOwnRoot}
}

// RunTests is for TestMain: os.Exit(cluster.RunTests(m)). It runs the tests in a namespace, by starting the test binary
// again with the same flags and environment, and returns its exit code. Where namespaces are not
// permitted it says so and runs them right here.
//
// Temporary files of the tests go to a folder that is removed at the end, however the end comes.
func RunTests(m interface{ Run() int }) int {
	if Enter() {
		return m.Run()
	}
	cmd, err := Isolated(os.Args[1:]...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\nthe tests share the machine's network instead\n", err)
		return m.Run()
	}
	temp, err := os.MkdirTemp("", "fairlead-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(temp) }()
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	runtime.LockOSThread()
	code, err := RunToEnd(cmd, 0)
	if err != nil {
		fmt.Fprintf(os.Stderr, "run the tests in a namespace: %v\n", err)
	}
	return code
}

// RunToEnd runs cmd, passing on the signals that ask a program to end, and returns the exit code as a shell would. With
// a patience it kills cmd when it has not ended so long after such a signal; 0: it never does.
func RunToEnd(cmd *exec.Cmd, patience time.Duration) (code int, err error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		var late <-chan time.Time
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s) // it may have ended in this moment
				if patience > 0 {
					late = time.After(patience)
				}
			case <-late:
				_ = cmd.Process.Kill() // likewise
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
