package nodes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/cluster"
)

// fromGo are the programs of the project's own making, by the script that builds them.
var fromGo = map[string][]string{
	"hack/kube/build.sh nodes": {
		"kube/etcd", "kube/kube-apiserver", "kube/kube-controller-manager", "kube/kube-scheduler", "kube/kubectl",
		"kube/kubelet", "kube/kube-proxy", "kube/coredns",
	},
	"hack/image/build.sh": {"tools/image"},
}

// fromSystem are programs that come with the system, by their Debian package.
var fromSystem = map[string][]string{
	"containerd": {"containerd", "containerd-shim-runc-v2", "ctr"},
	"runc":       {"runc"},
	"nftables":   {"nft"},
	"iptables":   {"iptables"}, // of the portmap plugin, for hostPorts
}

// pluginPackage is the Debian package with the CNI plugins, and plugins are those that a node needs.
const pluginPackage = "containernetworking-plugins"

var plugins = []string{"ptp", "host-local", "portmap", "loopback"}

// pluginDirs are where distributions put them.
var pluginDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// capabilities are the rights that root needs and that a container's root has not.
var capabilities = map[int]string{
	unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN", unix.CAP_NET_ADMIN: "CAP_NET_ADMIN", unix.CAP_SYS_PTRACE: "CAP_SYS_PTRACE",
	unix.CAP_SYS_CHROOT: "CAP_SYS_CHROOT", unix.CAP_MKNOD: "CAP_MKNOD", unix.CAP_NET_RAW: "CAP_NET_RAW",
}

// Missing says what this user on this machine lacks to run a cluster of nodes, and how to get it. Nothing: nil.
func Missing() []string {
	return append(missingHere(), missingBuilds()...)
}

// missingHere says what no script of ours could mend.
func missingHere() []string {
	missing := missingRights()
	if len(missing) == 0 { // else it could only say the same again
		missing = append(missing, missingKernel()...)
	}
	return append(missing, missingPrograms()...)
}

func missingRights() []string {
	if os.Geteuid() != 0 {
		return []string{"root: run it with sudo"}
	}
	effective, err := effectiveCapabilities()
	if err != nil {
		return []string{fmt.Sprintf("the capabilities of this process: %v", err)}
	}
	var missing []string
	for number, name := range capabilities {
		if effective&(1<<number) == 0 {
			missing = append(missing, "the capability "+name+": this root is a container's; run it on the machine itself")
		}
	}
	slices.Sort(missing)
	return missing
}

func effectiveCapabilities() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, errors.New("not in /proc/self/status")
}

// missingKernel tries what it asks for: nobody can tell from outside what a kernel and its guards permit.
func missingKernel() []string {
	var missing []string
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	if err := probe.Run(); err != nil {
		missing = append(missing, fmt.Sprintf("namespaces for mounts, processes and networks: %v", err))
	}
	if groups, err := makeRunGroups(); err != nil {
		missing = append(missing, fmt.Sprintf("writable cgroups: %v", err))
	} else if err := groups.remove(); err != nil {
		missing = append(missing, fmt.Sprintf("cgroups that can be removed again: %v", err))
	}
	if known, err := os.ReadFile("/proc/filesystems"); err == nil && !strings.Contains(string(known), "\toverlay\n") {
		if out, err := exec.Command("modprobe", "overlay").CombinedOutput(); err != nil {
			missing = append(missing, fmt.Sprintf("overlayfs in the kernel: modprobe overlay: %v %s", err, strings.TrimSpace(string(out))))
		}
	}
	return missing
}

func missingPrograms() []string {
	var missing []string
	packages := map[string]bool{}
	for name, needed := range fromSystem {
		for _, program := range needed {
			if _, err := findProgram(program); err != nil {
				missing = append(missing, "the program "+program)
				packages[name] = true
			}
		}
	}
	if _, err := findPlugins(); err != nil {
		missing = append(missing, err.Error())
		packages[pluginPackage] = true
	}
	slices.Sort(missing)
	if len(packages) > 0 {
		all := make([]string, 0, len(packages))
		for name := range packages {
			all = append(all, name)
		}
		slices.Sort(all)
		missing = append(missing, "on Debian and Ubuntu they come with: apt-get install -y --no-install-recommends "+strings.Join(all, " "))
	}
	return missing
}

func missingBuilds() []string {
	root, err := cluster.Root()
	if err != nil {
		return []string{err.Error()}
	}
	var missing []string
	for script, needed := range fromGo {
		for _, program := range needed {
			if _, err := os.Stat(filepath.Join(root, ".cache", program)); errors.Is(err, fs.ErrNotExist) {
				missing = append(missing, "the program .cache/"+program+": build it with "+script)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// findProgram returns the path of a program in searchPath.
func findProgram(name string) (string, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		if path := filepath.Join(dir, name); unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, searchPath)
}

// findPlugins returns the folder with all CNI plugins that a node needs.
func findPlugins() (string, error) {
	for _, dir := range pluginDirs {
		if !slices.ContainsFunc(plugins, func(name string) bool { return unix.Access(filepath.Join(dir, name), unix.X_OK) != nil }) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the CNI plugins %s in one of %s", strings.Join(plugins, ", "), strings.Join(pluginDirs, ", "))
}
