package nodes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/cluster"
)

// nodeVariable carries the name of a node to its first process, and reportDescriptor is the pipe by which that one
// says that all is furnished.
const (
	nodeVariable     = "FAIRLEAD_NODES_NODE"
	reportDescriptor = 3
	furnished        = "furnished"
)

// searchPath is where programs of the system are; the PATH of an ordinary user leaves half of it out.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// machine is what a node runs on: a first process and its namespaces.
type machine struct {
	first *exec.Cmd
	pidfd int
}

// startMachine starts the first process of a node and waits until it has furnished its namespaces.
func startMachine(name string) (*machine, error) {
	log, err := os.OpenFile(filepath.Join(logs, "machine-"+name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	listen, say, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = listen.Close() }() // read to its end
	m := &machine{first: exec.Command(self)}
	m.first.Env = []string{stageVariable + "=" + stageNode, nodeVariable + "=" + name, "PATH=" + searchPath}
	m.first.Stdout, m.first.Stderr = log, log
	m.first.ExtraFiles = []*os.File{say} // becomes reportDescriptor
	m.first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Setsid:     true,
		PidFD:      &m.pidfd,
	}
	err = m.first.Start()
	_ = say.Close() // the child has its own copy
	if err != nil {
		return nil, fmt.Errorf("start the first process of %s: %w", name, err)
	}
	report, err := io.ReadAll(listen)
	if err == nil && string(report) != furnished {
		err = fmt.Errorf("%s\n%s", report, cluster.Tail(log.Name(), 10))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("furnish %s: %w", name, err), m.cutPower())
	}
	return m, nil
}

// cutPower ends all that runs on the machine, at once and without a goodbye.
func (m *machine) cutPower() error {
	err := m.first.Process.Kill()
	_ = m.first.Wait() // it was killed; the kernel lets it go when all other processes have gone
	return errors.Join(err, unix.Close(m.pidfd))
}

// inside calls do on a thread that has joined the namespaces of the machine: sockets that do opens, files that it reads and
// processes that it starts are those of the machine. do must not start a goroutine that needs that too.
func (m *machine) inside(do func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		result <- m.join(do)
	}()
	return <-result
}

func (m *machine) join(do func() error) error {
	// Threads share their root folder, and a thread that shares it can't change its mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the shared root folder: %w", err)
	}
	const all = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if err := unix.Setns(m.pidfd, all); err != nil {
		return fmt.Errorf("join the namespaces of a node: %w", err)
	}
	return do()
}

// start starts a program on the machine that runs until it is stopped, or the power is cut.
func (m *machine) start(name string, argv ...string) (process *cluster.Process, err error) {
	err = m.inside(func() error {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = []string{"PATH=" + searchPath, "HOME=/root"}
		cmd.Dir = "/"
		process, err = cluster.StartProcess(name, filepath.Join(logs, name+".log"), cmd)
		return err
	})
	return process, err
}

// run runs a program on the machine to its end and returns what it prints.
func (m *machine) run(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + searchPath, "HOME=/root"}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &problems
	if err := m.inside(cmd.Start); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}
