package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The demo's folder and what lies in it.
const (
	stateDir       = ".cache/demo"
	logFile        = stateDir + "/demo.log"     // of a detached demo
	fairleadLog    = stateDir + "/fairlead.log" // of fairlead controller
	kubeconfigFile = stateDir + "/kubeconfig"   // for the user's kubectl
	certFile       = stateDir + "/tls.crt"      // that of *.localhost
	clusterDir     = stateDir + "/cluster"
	tempDir        = stateDir + "/tmp"
	lockFile       = ".cache/demo.lock" // beside the folder, which comes and goes
)

// lock is held by the outer process as long as a demo runs; the kernel frees it whatever happens.
type lock struct{ file *os.File }

// takeLock takes the lock and writes the own process id into it. When another process has it, pid is that one's, and lock nil.
func takeLock() (l *lock, pid int, err error) {
	if err := os.MkdirAll(filepath.Dir(lockFile), 0o755); err != nil {
		return nil, 0, err
	}
	file, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, 0, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer func() { _ = file.Close() }() // only read
		data, err := os.ReadFile(lockFile)
		if err != nil {
			return nil, 0, err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			return nil, 0, fmt.Errorf("%s is locked but names no process: %w", lockFile, err)
		}
		return nil, pid, nil
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("lock %s: %w", lockFile, err), file.Close())
	}
	if err := file.Truncate(0); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if _, err := fmt.Fprintln(file, os.Getpid()); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return &lock{file}, 0, nil
}

// release frees the lock. The file stays: who removes it may take it from under one who just opened it.
func (l *lock) release() error { return l.file.Close() }

// down ends a running demo and waits until nothing of it is left.
func down(out io.Writer) error {
	held, pid, err := takeLock()
	if err != nil {
		return err
	}
	if held != nil {
		_, statErr := os.Stat(stateDir)
		err := errors.Join(os.RemoveAll(stateDir), held.release())
		if statErr == nil && err == nil {
			_, err = fmt.Fprintln(out, "no demo runs; removed what an earlier one left in "+stateDir)
		} else if err == nil {
			_, err = fmt.Fprintln(out, "no demo runs")
		}
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the demo, process %d: %w", pid, err)
	}
	const patience = 90 * time.Second
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		held, _, err := takeLock()
		if err != nil {
			return err
		}
		if held == nil {
			continue
		}
		if err := held.release(); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, "the demo is down")
		return err
	}
	return fmt.Errorf("the demo, process %d, did not end within %s; its log: %s", pid, patience, logFile)
}
