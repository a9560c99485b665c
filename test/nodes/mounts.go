package nodes

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Places in the world. Nodes see them too, so that programs and configuration files have one path everywhere.
const (
	// state is the tmpfs of a cluster: it goes with the namespace, and its paths are short enough for unix sockets.
	state = "/run/fairlead"

	programs  = state + "/bin"   // .cache/kube
	logs      = state + "/logs"  // Options.Dir/logs
	disks     = state + "/disks" // what is /var on a node, and survives a power cut
	worldTemp = "/run/tmp"
)

// volatile is what a node forgets when it loses its power.
var volatile = []string{"/run/containerd", "/run/runc", "/run/cni", "/run/lock"}

// wishes are kernel settings of the whole machine that a kubelet writes. Each node gets files with the values that it
// wishes for in their place, so that it finds everything in order and the machine's own stay as they are.
var wishes = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// furnishWorld mounts what the world has for itself.
func furnishWorld() error {
	// Nothing that is mounted in here shall be seen outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := mountProc(); err != nil {
		return err
	}
	if err := mountTmpfs("/run"); err != nil {
		return err
	}
	for _, dir := range append([]string{worldTemp, state}, volatile...) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return bringLoopbackUp()
}

// mountState gives a cluster its tmpfs, with the programs and the logs in it.
func mountState(binaries, logsOutside string) error {
	if err := mountTmpfs(state); err != nil {
		return err
	}
	for _, dir := range []string{programs, logs, disks} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := bind(binaries, programs); err != nil {
		return err
	}
	return bind(logsOutside, logs)
}

// unmountState forgets all of it; a process that still has a file open keeps that alone.
func unmountState() error {
	if err := unix.Unmount(state, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", state, err)
	}
	return nil
}

// furnishNode mounts what a node has for itself: processes, a disk, and memory that a power cut clears.
func furnishNode(name string) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := mountProc(); err != nil {
		return err
	}
	for _, dir := range volatile {
		if err := mountTmpfs(dir); err != nil {
			return err
		}
	}
	for setting, value := range wishes {
		file := "/run/lock/" + filepath.Base(setting)
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			return err
		}
		if err := bind(file, "/proc/sys/"+setting); err != nil {
			return err
		}
	}
	return bind(filepath.Join(disks, name), "/var")
}

// makeDisk makes the folder that is /var on a node.
func makeDisk(name string) error {
	disk := filepath.Join(disks, name)
	for _, dir := range []string{"lib/kubelet", "lib/containerd", cniConfigOnDisk, "log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(disk, dir), 0o755); err != nil {
			return err
		}
	}
	return os.Symlink("/run", filepath.Join(disk, "run"))
}

func mountProc() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

func mountTmpfs(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs at %s: %w", dir, err)
	}
	return nil
}

func bind(what, where string) error {
	if err := unix.Mount(what, where, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s at %s: %w", what, where, err)
	}
	return nil
}
