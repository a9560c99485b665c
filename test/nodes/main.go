package nodes

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/cluster"
)

// The test binary starts itself again; this variable tells the new process which part it plays.
const (
	stageVariable = "FAIRLEAD_NODES_STAGE"
	stageWorld    = "world" // first process of the world: furnish it, start the tests, reap
	stageTests    = "tests" // run the tests
	stageNode     = "node"  // first process of a node: furnish it, reap
)

// self is the test binary, wherever it is, and whatever is mounted over it.
const self = "/proc/self/exe"

// cgroupVariable carries the name of the run's cgroup directories to the tests.
const cgroupVariable = "FAIRLEAD_NODES_CGROUP"

// outsideVariable carries the id that the first process of the world has outside, for people who want in.
const outsideVariable = "FAIRLEAD_NODES_PID"

// wantedVariable set to "required" says that the tests shall run, and fail where they can't; "check" looks whether the
// machine would permit it, before anything is built for it.
const (
	wantedVariable = "TEST_NODES"
	required       = "required"
	checkOnly      = "check"
)

// init keeps the first thread for the main goroutine, in the process that lets threads join nodes: those end afterwards, but the first one can't,
// and /proc/self would show what it sees for ever.
func init() {
	if os.Getenv(stageVariable) == stageTests {
		runtime.LockOSThread()
	}
}

// Main is for TestMain: os.Exit(nodes.Main(m)). Without TEST_NODES=required it skips the tests, and says so. Otherwise it runs
// them in namespaces of their own, where Start may be called, and returns the code to exit with. Where something is missing for that
// it says what, and runs nothing.
func Main(m interface{ Run() int }) int {
	switch os.Getenv(stageVariable) {
	case stageWorld:
		return beWorld()
	case stageNode:
		return beNode()
	case stageTests:
		_ = os.Unsetenv(stageVariable) // not for our children; fails only for a malformed name
		code := m.Run()
		if dir := lastLogs.Load(); code != 0 && dir != nil {
			fmt.Fprintf(os.Stderr, "logs of the cluster and its pods: %s\n", *dir)
		}
		return code
	}
	var missing []string
	switch os.Getenv(wantedVariable) {
	case required:
		missing = Missing()
	case checkOnly:
		if missing = missingHere(); len(missing) == 0 {
			return 0
		}
	default:
		fmt.Println("skipped: these stories need root and a real cluster, which make e2e starts")
		return 0
	}
	if len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "a cluster of nodes can't run here without\n  %s\n", strings.Join(missing, "\n  "))
		return 1
	}
	code, err := runWorld()
	if err != nil {
		fmt.Fprintf(os.Stderr, "world of the nodes: %v\n", err)
		return max(code, 1)
	}
	return code
}

// runWorld starts the world, waits for its end and removes what the kernel doesn't.
func runWorld() (code int, err error) {
	groups, err := makeRunGroups()
	if err != nil {
		return 1, err
	}
	defer func() {
		if problem := groups.remove(); err == nil {
			err = problem
		}
	}()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVariable+"="+stageWorld, cgroupVariable+"="+groups.name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Setsid:     true,            // a Ctrl-C comes to us alone
		Pdeathsig:  syscall.SIGKILL, // and when we are killed, all ends
	}
	runtime.LockOSThread() // the signal is sent when the thread ends that started the process
	defer runtime.UnlockOSThread()
	return cluster.RunToEnd(cmd, endPatience)
}

// endPatience is how long a world that was asked to end may take.
const endPatience = 5 * time.Second

// exitCode is the code of an ended process as a shell has it.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
