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
	"syscall"
	"time"
)

// cgroup is the memory cgroup of one proxy. It counts what a container's limit counts: memory of the
// process, and what the kernel holds for it, such as sockets and what is in their buffers.
type cgroup struct{ folder string }

// everything is a limit that nobody reaches. In version 1, buffers of sockets are counted only where
// there is one.
const everything = 1 << 60

// newCgroup makes a cgroup in parent, which belongs to the memory controller of version 1 or 2.
func newCgroup(parent, name string) (*cgroup, error) {
	c := &cgroup{filepath.Join(parent, fmt.Sprintf("%s-%d-%d", name, os.Getpid(), time.Now().UnixNano()))}
	if err := os.MkdirAll(c.folder, 0o755); err != nil { //nolint:gosec // it holds no files
		return nil, fmt.Errorf("a cgroup: %w", err)
	}
	err := os.WriteFile(filepath.Join(c.folder, "memory.kmem.tcp.limit_in_bytes"), []byte(strconv.Itoa(everything)), 0o600)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // version 2, where files can't be made
		err = nil
	}
	if _, none := c.charged(); none != nil {
		err = errors.Join(err, none)
	}
	if err != nil {
		c.remove()
		return nil, fmt.Errorf("%s has no memory controller: %w", parent, err)
	}
	return c, nil
}

// command is what starts a program inside of the cgroup.
func (c *cgroup) command(program []string) []string {
	return append([]string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, c.folder}, program...)
}

// charged is how many bytes count against the limit that the cgroup could have.
func (c *cgroup) charged() (int64, error) {
	all, err := c.number("memory.current")
	if !errors.Is(err, fs.ErrNotExist) {
		return all, err
	}
	all, err = c.number("memory.usage_in_bytes")
	if err != nil {
		return 0, err
	}
	buffers, err := c.number("memory.kmem.tcp.usage_in_bytes")
	return all + buffers, err
}

// peak is the most that was charged so far, in bytes. Version 1 keeps none of what is in buffers of sockets.
func (c *cgroup) peak() (int64, error) {
	most, err := c.number("memory.peak")
	if errors.Is(err, fs.ErrNotExist) {
		most, err = c.number("memory.max_usage_in_bytes")
	}
	return most, err
}

func (c *cgroup) number(name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.folder, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// remove removes the cgroup, once its processes are gone.
func (c *cgroup) remove() {
	for range 100 {
		if err := syscall.Rmdir(c.folder); !errors.Is(err, syscall.EBUSY) {
			return
		}
		time.Sleep(10 * time.Millisecond) // the last process is not reaped yet
	}
}
