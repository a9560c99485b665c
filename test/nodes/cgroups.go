package nodes

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the names of cgroup directories of runs.
const groupPrefix = "fairlead-nodes-"

// runGroups are the cgroup directories of one run: one in each hierarchy, or the only one of cgroup v2. They are locked
// while the run lives, so that the next run knows which ones nobody needs any more.
type runGroups struct {
	name  string
	locks []*os.File
}

// makeRunGroups removes what killed runs have left behind and makes the directories of this one.
func makeRunGroups() (*runGroups, error) {
	// Not the process id alone: a run in another container may have the same.
	g := &runGroups{name: groupPrefix + strconv.Itoa(os.Getpid()) + "-" + strings.ToLower(rand.Text()[:6])}
	hierarchies, err := findHierarchies()
	if err != nil {
		return nil, err
	}
	for _, hierarchy := range hierarchies {
		if err := g.make(hierarchy); err != nil {
			return nil, errors.Join(err, g.remove())
		}
	}
	return g, nil
}

func (g *runGroups) make(hierarchy string) error {
	root, err := lock(hierarchy, unix.LOCK_EX) // so that no other run looks at a directory that is made but not yet locked
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // opened for the lock alone
	dead, err := filepath.Glob(filepath.Join(hierarchy, groupPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dead {
		owner, err := lock(dir, unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			continue // its run lives
		}
		_ = owner.Close() // opened for the lock alone
		if err := removeGroup(dir); err != nil {
			return err
		}
	}
	dir := filepath.Join(hierarchy, g.name)
	if err := makeGroup(hierarchy, g.name); err != nil {
		return err
	}
	own, err := lock(dir, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return err
	}
	g.locks = append(g.locks, own)
	return nil
}

// remove removes the directories. Nothing runs in them any more.
func (g *runGroups) remove() error {
	var problems []error
	for _, own := range g.locks {
		problems = append(problems, removeGroup(own.Name()))
		_ = own.Close() // opened for the lock alone
	}
	return errors.Join(problems...)
}

// makeNodeGroups makes the cgroups below which a kubelet makes those of its pods, and returns their name. Each kubelet has its own:
// it removes what it doesn't know.
func makeNodeGroups(node string) (string, error) {
	name := filepath.Join(os.Getenv(cgroupVariable), node)
	hierarchies, err := findHierarchies()
	for _, hierarchy := range hierarchies {
		err = errors.Join(err, makeGroup(hierarchy, name))
	}
	return "/" + name, err
}

// removeNodeGroups removes them, after all that ran in them has ended.
func removeNodeGroups(node string) error {
	hierarchies, err := findHierarchies()
	for _, hierarchy := range hierarchies {
		err = errors.Join(err, removeGroup(filepath.Join(hierarchy, os.Getenv(cgroupVariable), node)))
	}
	return err
}

// findHierarchies returns where cgroups are mounted: one directory for cgroup v2, one for each controller of v1.
func findHierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			found = append(found, fields[1])
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no cgroups are mounted on this machine")
	}
	return found, nil
}

// makeGroup makes the cgroup with the given path, and prepares each directory of the path to have children that
// limit what pods use.
//
// The project's own machines have cgroup v1; what is done for v2 follows the kernel's documentation and has not been
// run there.
func makeGroup(hierarchy, path string) error {
	dir := hierarchy
	for _, part := range append([]string{""}, strings.Split(path, "/")...) {
		dir = filepath.Join(dir, part)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make a cgroup: %w", err)
		}
		if err := prepareGroup(dir, dir == hierarchy); err != nil {
			return fmt.Errorf("prepare the cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// neededControllers are those without which a kubelet does not start.
var neededControllers = []string{"cpu", "cpuset", "memory", "pids"}

func prepareGroup(dir string, isRoot bool) error {
	// v1: without it children have no CPUs, and no process can live in them.
	if clone := filepath.Join(dir, "cgroup.clone_children"); !isRoot && exists(clone) && exists(filepath.Join(dir, "cpuset.cpus")) {
		return os.WriteFile(clone, []byte("1"), 0o600)
	}
	// v2: each controller has to be passed on.
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return nil // v1
	}
	for controller := range strings.FieldsSeq(string(controllers)) {
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o600)
		if err != nil && slices.Contains(neededControllers, controller) {
			return fmt.Errorf("pass the controller %s on: %w", controller, err)
		}
	}
	return nil
}

// removeGroup removes a cgroup and all below. Processes that were killed may take a moment to leave it.
func removeGroup(dir string) error {
	const attempts, pause = 50, 20 * time.Millisecond
	var problem error
	for range attempts {
		var dirs []string
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // one that has gone meanwhile is what we want
		})
		problem = nil
		for _, one := range slices.Backward(dirs) {
			if err := unix.Rmdir(one); err != nil && !errors.Is(err, unix.ENOENT) {
				problem = fmt.Errorf("remove the cgroup %s: %w", one, err)
			}
		}
		if problem == nil {
			return nil
		}
		time.Sleep(pause)
	}
	return problem
}

// lock opens a file and locks it until it is closed.
func lock(path string, how int) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), how); err != nil {
		_ = file.Close() // opened for the lock alone
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
