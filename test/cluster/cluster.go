package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	startTimeout = time.Minute // of one component, on a busy machine
	stopTimeout  = 30 * time.Second
)

// Options tune a control plane; the zero value works.
type Options struct {
	// Dir is an existing folder for certificates, data and logs, which the caller removes after Stop. Empty: a folder
	// that Stop removes.
	Dir string
	// APIServerPort is the port of kube-apiserver on 127.0.0.1. 0: a free one.
	APIServerPort int
	// CRDs are files or folders of CustomResourceDefinitions to apply, such as config/crd/bases.
	CRDs []string
	// Scheme is that of Cluster.Client. nil: the kinds of client-go.
	Scheme *runtime.Scheme
	// WithoutControllers leaves kube-controller-manager out: nothing makes pods of a Deployment then, nor slices of a Service.
	WithoutControllers bool
}

// Cluster is a running control plane.
type Cluster struct {
	// Config is that of a user who may do everything, on 127.0.0.1.
	Config *rest.Config
	// Kubeconfig is the path of a file with the same, for kubectl.
	Kubeconfig string
	// Client reads and writes without a cache.
	Client client.WithWatch
	// Network tells where pods get their addresses.
	Network Network

	dir         string
	ownsDir     bool
	environment *envtest.Environment
	binaries    string
	controlled  bool     // there shall be controllers
	controllers *Process // nil while there are none
	clients     kubernetes.Interface
	logs        []*os.File
}

// Start starts etcd, kube-apiserver and kube-controller-manager and waits until they work: 3 to 6 seconds. The error names
// hack/kube/build.sh when they have not been built. After an error nothing is left running.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	network, err := CurrentNetwork()
	if err != nil {
		return nil, err
	}
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	c := &Cluster{Network: network, dir: options.Dir}
	if c.dir == "" {
		c.ownsDir = true
		if c.dir, err = os.MkdirTemp("", "fairlead-cluster-"); err != nil {
			return nil, fmt.Errorf("folder of the control plane: %w", err)
		}
	}
	if err := c.start(ctx, binaries, options); err != nil {
		return nil, errors.Join(fmt.Errorf("control plane: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, binaries string, options Options) error {
	if err := c.startAPIServer(binaries, options); err != nil {
		return err
	}
	var err error
	c.Config.WarningHandler = rest.NoWarnings{} // callers apply questionable objects on purpose
	if c.clients, err = kubernetes.NewForConfig(c.Config); err != nil {
		return err
	}
	scheme := options.Scheme
	if scheme == nil {
		scheme = clientscheme.Scheme
	}
	if c.Client, err = client.NewWithWatch(c.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	// Controllers exit at once when they meet an API server whose roles are not there yet.
	if err := c.WaitReady(ctx); err != nil {
		return err
	}
	c.binaries, c.controlled = binaries, !options.WithoutControllers
	return c.startControllers()
}

// WaitReady waits until /readyz says that the API server is ready, its roles included, or ctx ends.
func (c *Cluster) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		_, err := c.clients.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server is not ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// StopAPIServer ends kube-apiserver and nothing else: etcd keeps the data. It returns when the process has ended.
func (c *Cluster) StopAPIServer() error {
	return c.environment.ControlPlane.APIServer.Stop()
}

// StartAPIServer starts kube-apiserver again after StopAPIServer, on the same port, with the same certificates and users,
// and waits until it is ready. The controllers are started anew: those that saw the API server go would come back to it with a pause
// that grows to a minute.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if err := c.environment.ControlPlane.APIServer.Start(); err != nil {
		return fmt.Errorf("%w\n%s", err, Tail(c.LogFile("kube-apiserver"), 5))
	}
	if err := c.WaitReady(ctx); err != nil {
		return err
	}
	if c.controllers != nil {
		if err := c.controllers.Stop(stopTimeout); err != nil {
			return err
		}
	}
	return c.startControllers()
}

// Stop ends all processes that Start started, last first, and removes the folder if Start made it. It returns what went wrong;
// nothing runs afterwards in any case. It may be called more than once.
func (c *Cluster) Stop() error {
	var problems []error
	if c.controllers != nil {
		problems = append(problems, c.controllers.Stop(stopTimeout))
	}
	if c.environment != nil {
		problems = append(problems, c.environment.Stop())
	}
	for _, log := range c.logs {
		_ = log.Close() // written by the processes, not by us
	}
	if c.ownsDir {
		problems = append(problems, os.RemoveAll(c.dir))
	}
	return errors.Join(problems...)
}

// Err returns nil while kube-controller-manager runs, and how it ended when it did.
func (c *Cluster) Err() error {
	if c.controllers == nil {
		return nil
	}
	return c.controllers.Err()
}

// LogFile returns the path of the log of a component: etcd, kube-apiserver, kube-controller-manager.
func (c *Cluster) LogFile(component string) string {
	return filepath.Join(c.dir, component+".log")
}

// KubeconfigFor writes a kubeconfig file for another user, who may do what RBAC allows him, and returns its path. A ServiceAccount's user
// is system:serviceaccount:NAMESPACE:NAME.
func (c *Cluster) KubeconfigFor(user string) (string, error) {
	added, err := c.environment.AddUser(envtest.User{Name: user}, nil)
	if err != nil {
		return "", err
	}
	data, err := added.KubeConfig()
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.dir, strings.ReplaceAll(user, ":", "-")+".kubeconfig")
	return path, os.WriteFile(path, data, 0o600)
}

// Kubectl runs the real kubectl and returns what it prints. The error holds what it prints on stderr.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	binaries, err := findBinaries()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// Root returns the folder of this repository, by the go.mod above the working folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("no go.mod in %s or above: run this inside the Fairlead repository", dir)
}

// findBinaries returns the folder of the control plane's programs.
func findBinaries() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".cache", "kube")
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("%w\nbuild the control plane first, about five minutes, once: hack/kube/build.sh", err)
		}
	}
	return dir, nil
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
