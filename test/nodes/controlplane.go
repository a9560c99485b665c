package nodes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead/fairlead/test/cluster"
)

const (
	apiServerURL  = "https://10.250.0.1:6443"
	clusterDomain = "cluster.local"
	etcdURL       = "http://127.0.0.1:2379"
)

// plane is the control plane: processes of the world.
type plane struct {
	authority  *authority
	kubeconfig string
	clients    kubernetes.Interface
	processes  []*cluster.Process // in the order in which they were started
	ready      bool
}

// start starts the control plane and waits until it can serve nodes. After an error, what runs is ended by stop.
func (p *plane) start(ctx context.Context) error {
	if err := p.identify(); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if err := p.run("etcd", etcdFlags()...); err != nil {
		return err
	}
	if err := p.run("kube-apiserver", apiServerFlags()...); err != nil {
		return err
	}
	// The other programs exit at once when they meet an API server whose roles are not there yet.
	err := waitFor(ctx, "the API server to be ready", func(ctx context.Context) error {
		_, err := p.clients.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	}, p.processes...)
	if err != nil {
		return err
	}
	p.ready = true
	if err := writeFile(configs+"/Corefile", "Corefile", nil); err != nil {
		return err
	}
	err = errors.Join(
		p.run("kube-controller-manager", controllerFlags()...),
		p.run("kube-scheduler", schedulerFlags()...),
		p.run("coredns", "-conf", configs+"/Corefile"),
	)
	if err != nil {
		return err
	}
	// Pods are refused before that.
	return waitFor(ctx, "the default ServiceAccount", func(ctx context.Context) error {
		_, err := p.clients.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	}, p.processes...)
}

// identify gives everybody in the control plane a certificate, and us a client.
func (p *plane) identify() error {
	var err error
	if p.authority, err = newAuthority(); err != nil {
		return err
	}
	err = p.authority.issue(identity{
		name: "kube-apiserver", user: "kube-apiserver",
		hosts:     []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain},
		addresses: []netip.Addr{worldPrefix.Addr(), kubernetesIP, netip.MustParseAddr("127.0.0.1")},
	})
	if err != nil {
		return err
	}
	for _, who := range []identity{
		{name: "kubelet-client", user: "kube-apiserver", groups: []string{"system:masters"}},
		{name: "kube-controller-manager", user: "system:kube-controller-manager"},
		{name: "kube-scheduler", user: "system:kube-scheduler"},
		{name: "kube-proxy", user: "system:kube-proxy"},
		{name: "coredns", user: "coredns", groups: []string{"system:masters"}},
	} {
		if _, err := p.authority.admit(who); err != nil {
			return err
		}
	}
	p.kubeconfig, err = p.authority.admit(identity{name: "admin", user: "admin", groups: []string{"system:masters"}})
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit of our own
	p.clients, err = kubernetes.NewForConfig(config)
	return err
}

func (p *plane) run(name string, flags ...string) error {
	process, err := cluster.StartProcess(name, filepath.Join(logs, name+".log"), exec.Command(filepath.Join(programs, name), flags...))
	if err == nil {
		p.processes = append(p.processes, process)
	}
	return err
}

// stop ends the control plane at once: what it knows is not needed any more.
func (p *plane) stop() error { return kill(p.processes) }

// kill ends processes and waits until they have ended.
func kill(processes []*cluster.Process) error {
	var problems []error
	for _, process := range processes {
		problems = append(problems, process.Signal(syscall.SIGKILL))
	}
	for _, process := range processes {
		<-process.Exited()
	}
	return errors.Join(problems...)
}

func etcdFlags() []string {
	const peerURL = "http://127.0.0.1:2380"
	return []string{
		"--data-dir", state + "/etcd",
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL, "--initial-cluster", "default=" + peerURL,
		"--unsafe-no-fsync", // it is memory anyway
		"--log-level", "warn",
	}
}

func apiServerFlags() []string {
	return []string{
		"--etcd-servers", etcdURL,
		"--advertise-address", worldPrefix.Addr().String(),
		"--secure-port", "6443",
		"--tls-cert-file", certificates + "/kube-apiserver.crt", "--tls-private-key-file", certificates + "/kube-apiserver.key",
		"--client-ca-file", certificates + "/ca.crt",
		"--service-account-issuer", "https://kubernetes.default.svc." + clusterDomain,
		"--service-account-key-file", certificates + "/tokens.pub",
		"--service-account-signing-key-file", certificates + "/tokens.key",
		"--service-cluster-ip-range", serviceRange.String(),
		"--authorization-mode", "Node,RBAC",
		"--enable-admission-plugins", "NodeRestriction",
		"--kubelet-client-certificate", certificates + "/kubelet-client.crt",
		"--kubelet-client-key", certificates + "/kubelet-client.key",
		"--kubelet-preferred-address-types", "InternalIP",
		"--allow-privileged",
		// Pods leave a lost node after seconds instead of five minutes.
		"--default-not-ready-toleration-seconds", "5", "--default-unreachable-toleration-seconds", "5",
		"--profiling=false",
	}
}

func controllerFlags() []string {
	config := configs + "/kube-controller-manager.kubeconfig"
	return []string{
		"--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
		"--bind-address", "127.0.0.1",
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--service-account-private-key-file", certificates + "/tokens.key",
		"--root-ca-file", certificates + "/ca.crt",
		"--allocate-node-cidrs", "--cluster-cidr", podPrefix.String(), "--service-cluster-ip-range", serviceRange.String(),
		// A lost node is noticed after 10 to 11 seconds instead of 50. Kubelets report every 2.
		"--node-monitor-period", "1s", "--node-monitor-grace-period", "10s", "--node-eviction-rate", "10",
		// Its own limits of 20 and 30 requests a second cost seconds at the start.
		"--kube-api-qps", "500", "--kube-api-burst", "1000",
		"--profiling=false",
	}
}

func schedulerFlags() []string {
	config := configs + "/kube-scheduler.kubeconfig"
	return []string{
		"--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
		"--bind-address", "127.0.0.1",
		"--leader-elect=false",
		"--kube-api-qps", "500", "--kube-api-burst", "1000",
		"--profiling=false",
	}
}
