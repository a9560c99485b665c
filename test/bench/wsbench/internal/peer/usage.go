//go:build linux

package peer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is how long all threads of all processes of the proxy have run, in the kernel and outside,
// from the scheduler's own count in nanoseconds.
func (r *Process) CPU() (time.Duration, error) {
	var sum time.Duration
	err := r.each(func(pid int) error {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			return err
		}
		for _, name := range threads {
			text, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			ran, _, _ := strings.Cut(string(text), " ")
			n, err := strconv.ParseInt(ran, 10, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			sum += time.Duration(n)
		}
		return nil
	})
	return sum, err
}

// Memory is the proportional set size of all processes of the proxy, in bytes: what they share is
// counted once.
func (r *Process) Memory() (int64, error) {
	var sum int64
	err := r.each(func(pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) == 3 && words[0] == "Pss:" {
				kib, err := strconv.ParseInt(words[1], 10, 64)
				sum += kib << 10
				return err
			}
		}
		return errors.New("no Pss in smaps_rollup")
	})
	return sum, err
}

// Charged is what its cgroup counts, in bytes; nil without a cgroup.
func (r *Process) Charged() func() (int64, error) {
	if r.own == nil {
		return nil
	}
	return r.own.charged
}

// Peak is the most that its cgroup has counted, in bytes; nil without a cgroup.
func (r *Process) Peak() func() (int64, error) {
	if r.own == nil {
		return nil
	}
	return r.own.peak
}

// Descriptors is how many all processes of the proxy have open.
func (r *Process) Descriptors() (int, error) {
	sum := 0
	err := r.each(func(pid int) error {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		sum += len(list)
		return err
	})
	return sum, err
}

// each calls f for the proxy's first process and all that come from it.
func (r *Process) each(f func(pid int) error) error {
	select {
	case <-r.done:
		return fmt.Errorf("%s ended: %w; it said: %s", r.peer.Name, r.err, r.output())
	default:
	}
	return descend(r.PID(), f)
}

func descend(pid int, f func(int) error) error {
	if err := f(pid); err != nil {
		return err
	}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return err
	}
	for _, name := range lists {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			if err := descend(child, f); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
