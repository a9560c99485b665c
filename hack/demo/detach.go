package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// detach starts "up" again in a session of its own, shows its log until it is ready, and leaves it.
func detach(at ports, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	ready, readied, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = ready.Close() }() // only read
	cmd := exec.Command(self, append([]string{"up"}, at.args()...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{readied}
	cmd.Env = append(os.Environ(), readyVariable+"=3") // the first of ExtraFiles
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = readied.Close() // ours; else the end of the child's would not be seen
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	stop := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		follow(logFile, out, stop)
	}()
	_, err = bufio.NewReader(ready).ReadByte()
	close(stop)
	<-shown
	if errors.Is(err, io.EOF) {
		_ = cmd.Wait() // its log says more than its exit code
		return errors.New("it did not start, for the reason above")
	}
	if err != nil {
		return err
	}
	tell(out, "It runs on as process %d; end it with: make demo-down (or go run ./hack/demo down)", cmd.Process.Pid)
	return cmd.Process.Release()
}

// follow copies what is appended to a file, until stop is closed.
func follow(path string, out io.Writer, stop <-chan struct{}) {
	file, err := os.Open(path)
	if err != nil {
		return // only a show
	}
	defer func() { _ = file.Close() }() // only read
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		stopped := false
		select {
		case <-stop:
			stopped = true
		case <-ticker.C:
		}
		if _, err := io.Copy(out, file); err != nil || stopped {
			return
		}
	}
}
