package nodes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/fairlead/fairlead/test/cluster"
)

// cniConfigOnDisk is the folder of the CNI configuration, on a node below /var.
const cniConfigOnDisk = "lib/cni/net.d"

// node is one node of the cluster, with or without power.
type node struct {
	name    string
	address netip.Addr
	pods    netip.Prefix // of the addresses of its pods; known when it has registered
	machine *machine     // nil: no power
	runtime *cluster.Process
	kubelet *cluster.Process
	proxy   *cluster.Process
}

// boot starts the machine, and on it the container runtime.
func (n *node) boot(ctx context.Context) error {
	var err error
	if n.machine, err = startMachine(n.name); err != nil {
		return err
	}
	if err := plugIn(n.machine, n.name, n.address); err != nil {
		return err
	}
	binary, err := findProgram("containerd")
	if err != nil {
		return err
	}
	if n.runtime, err = n.machine.start("containerd-"+n.name, binary, "--config", n.file("containerd.toml")); err != nil {
		return err
	}
	return waitFor(ctx, "containerd of "+n.name, func(ctx context.Context) error {
		_, err := n.ctr(ctx, nil, "version")
		return err
	}, n.runtime)
}

// join starts the kubelet and kube-proxy, and waits until pods can run here.
func (n *node) join(ctx context.Context, clients kubernetes.Interface) error {
	begin := time.Now()
	cgroup, err := makeNodeGroups(n.name)
	if err != nil {
		return err
	}
	if err := writeFile(n.file("kubelet.yaml"), "kubelet.yaml", map[string]string{
		"Name": n.name, "Address": n.address.String(), "Cgroup": cgroup,
	}); err != nil {
		return err
	}
	n.kubelet, err = n.machine.start("kubelet-"+n.name, programs+"/kubelet", "--config", n.file("kubelet.yaml"),
		"--kubeconfig", n.file("kubeconfig"), "--hostname-override", n.name, "--node-ip", n.address.String())
	if err != nil {
		return err
	}
	if err := n.learnPods(ctx, clients); err != nil {
		return err
	}
	if n.proxy, err = n.machine.start("kube-proxy-"+n.name, programs+"/kube-proxy", "--config", n.file("kube-proxy.yaml")); err != nil {
		return err
	}
	return waitFor(ctx, "the node "+n.name+" to be ready", func(ctx context.Context) error {
		return readySince(ctx, clients, n.name, begin)
	}, n.runtime, n.kubelet, n.proxy)
}

// learnPods waits until the node has its range of addresses for pods, and tells the CNI plugins.
func (n *node) learnPods(ctx context.Context, clients kubernetes.Interface) error {
	err := waitFor(ctx, "the addresses for pods of "+n.name, func(ctx context.Context) error {
		got, err := clients.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		n.pods, err = netip.ParsePrefix(got.Spec.PodCIDR)
		return err
	}, n.runtime, n.kubelet)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(disks, n.name, cniConfigOnDisk, "pods.conflist"), "pods.conflist", n.pods.String())
}

// readySince returns nil when the kubelet has said after begin that its node is ready: what it said before a power cut
// does not count.
func readySince(ctx context.Context, clients kubernetes.Interface, name string, begin time.Time) error {
	got, err := clients.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range got.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		// The API has whole seconds.
		if condition.Status == corev1.ConditionTrue && condition.LastHeartbeatTime.After(begin.Truncate(time.Second).Add(-1)) {
			return nil
		}
		return fmt.Errorf("ready: %s, %s %s at %s", condition.Status, condition.Reason, condition.Message, condition.LastHeartbeatTime)
	}
	return errors.New("its kubelet has said nothing yet")
}

// prepare writes what the node's programs read, before it gets power for the first time.
func (n *node) prepare(a *authority) error {
	if err := makeDisk(n.name); err != nil {
		return err
	}
	who := identity{name: n.name, user: "system:node:" + n.name, groups: []string{"system:nodes"}, hosts: []string{n.name}, addresses: []netip.Addr{n.address}}
	config, err := a.admit(who)
	if err != nil {
		return err
	}
	if err := os.Rename(config, n.file("kubeconfig")); err != nil {
		return err
	}
	found, err := findPlugins()
	if err != nil {
		return err
	}
	return errors.Join(
		writeFile(n.file("containerd.toml"), "containerd.toml", map[string]string{
			"PauseImage": pauseImage, "Plugins": found, "CNIConfig": "/var/" + cniConfigOnDisk,
		}),
		writeFile(n.file("kube-proxy.yaml"), "kube-proxy.yaml", map[string]string{"Name": n.name}),
	)
}

// file returns the path of a configuration file of this node alone.
func (n *node) file(name string) string { return filepath.Join(configs, n.name+"-"+name) }

// ctr runs containerd's own client on the node.
func (n *node) ctr(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	binary, err := findProgram("ctr")
	if err != nil {
		return "", err
	}
	if n.machine == nil {
		return "", fmt.Errorf("%s has no power", n.name)
	}
	return n.machine.run(ctx, stdin, append([]string{binary, "--namespace", "k8s.io"}, args...)...)
}

// load imports an OCI archive.
func (n *node) load(ctx context.Context, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	out, err := n.ctr(ctx, file, "images", "import", "-")
	if err != nil {
		return fmt.Errorf("load %s on %s: %w", archive, n.name, err)
	}
	if strings.TrimSpace(out) == "" {
		return fmt.Errorf("load %s on %s: containerd found no image in it", archive, n.name)
	}
	return nil
}

// cutPower takes the node from the wire and ends all that runs on it.
func (n *node) cutPower() error {
	if n.machine == nil {
		return nil
	}
	err := errors.Join(unplug(n.name), n.machine.cutPower())
	for _, process := range []*cluster.Process{n.runtime, n.kubelet, n.proxy} {
		if process != nil {
			<-process.Exited()
		}
	}
	n.machine, n.runtime, n.kubelet, n.proxy = nil, nil, nil, nil
	return errors.Join(err, removeNodeGroups(n.name))
}
