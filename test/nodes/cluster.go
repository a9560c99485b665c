package nodes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/test/cluster"
)

// Options tune a cluster; the zero value works.
type Options struct {
	// Dir is where logs go, in its folder logs; they stay after Stop. Empty: .cache/e2e.
	Dir string
	// Images are OCI archives that are loaded on every node.
	Images []string
	// Nodes is how many there are: node1, node2, and so on. 0: two.
	Nodes int
	// Log is told what is being done, and how long it took. nil: nobody.
	Log io.Writer
}

// Cluster is a running cluster. Its methods may be called concurrently, but for Stop.
type Cluster struct {
	options  Options
	plane    plane
	provider *provider

	power sync.RWMutex // held while the power of a node changes, or must not
	nodes []*node

	stopped bool
}

// running guards what a world has once: addresses, and a place for state.
var running atomic.Bool

// lastLogs is where the last cluster's logs are.
var lastLogs atomic.Pointer[string]

// Start starts a cluster and waits until all nodes are ready: about ten seconds. After an error nothing is left running, and the logs
// are in Options.Dir. There can be one cluster at a time, and only in a process that Main has let in.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if os.Getenv(cgroupVariable) == "" {
		return nil, errors.New("start a cluster of nodes: not in a world of its own; TestMain must be os.Exit(nodes.Main(m))")
	}
	if options.Log == nil {
		options.Log = io.Discard
	}
	if options.Nodes == 0 {
		options.Nodes = 2
	}
	root, err := cluster.Root()
	if err != nil {
		return nil, err
	}
	if options.Dir == "" {
		options.Dir = filepath.Join(root, ".cache", "e2e")
	}
	if !running.CompareAndSwap(false, true) {
		return nil, errors.New("start a cluster of nodes: there is one already")
	}
	c := &Cluster{options: options}
	lastLogs.Store(new(c.logs()))
	if err := c.start(ctx, filepath.Join(root, ".cache", "kube")); err != nil {
		return nil, errors.Join(fmt.Errorf("start a cluster of nodes: %w", err), c.end())
	}
	return c, nil
}

func (c *Cluster) logs() string { return filepath.Join(c.options.Dir, "logs") }

func (c *Cluster) start(ctx context.Context, binaries string) error {
	if err := errors.Join(os.RemoveAll(c.logs()), os.MkdirAll(c.logs(), 0o755)); err != nil {
		return err
	}
	if err := errors.Join(mountState(binaries, c.logs()), layWire()); err != nil {
		return err
	}
	begin := time.Now()
	pause, err := BuildImage(ctx, pauseImage, "./test/nodes/pause")
	if err != nil {
		return err
	}
	c.report("pause image built", begin)
	begin = time.Now()
	if err := c.plane.start(ctx); err != nil {
		return fmt.Errorf("control plane: %w", err)
	}
	c.report("control plane ready", begin)
	begin = time.Now()
	for i := range c.options.Nodes {
		n := &node{name: "node" + strconv.Itoa(i+1), address: nodeAddress(i)}
		if err := n.prepare(c.plane.authority); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		c.nodes = append(c.nodes, n)
	}
	images := append([]string{pause}, c.options.Images...)
	err = c.onAll(func(n *node) error {
		if err := n.boot(ctx); err != nil {
			return err
		}
		for _, archive := range images {
			if err := n.load(ctx, archive); err != nil {
				return err
			}
		}
		return n.join(ctx, c.plane.clients)
	})
	if err == nil {
		err = c.layRoutes()
	}
	if err != nil {
		return err
	}
	c.report("nodes ready", begin)
	c.provider, err = startProvider(ctx, c)
	return err
}

func nodeAddress(i int) netip.Addr {
	address := firstNode
	for range i {
		address = address.Next()
	}
	return address
}

// layRoutes tells everybody who has power where everybody else's pods are.
func (c *Cluster) layRoutes() error {
	for _, to := range c.nodes {
		if err := addRoute(to.pods, to.address); err != nil {
			return err
		}
		for _, from := range c.nodes {
			if from == to || from.machine == nil {
				continue
			}
			if err := from.machine.inside(func() error { return addRoute(to.pods, to.address) }); err != nil {
				return fmt.Errorf("%s: %w", from.name, err)
			}
		}
	}
	return nil
}

// onAll does something on all nodes at once.
func (c *Cluster) onAll(do func(n *node) error) error {
	var group errgroup.Group
	for _, n := range c.nodes {
		group.Go(func() error {
			if err := do(n); err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *Cluster) report(what string, begin time.Time) {
	_, _ = fmt.Fprintf(c.options.Log, "%-22s %5.1f s\n", what, time.Since(begin).Seconds()) // progress that nobody reads is no loss
}

// Stop ends the cluster at once, pods included. Logs stay, and the logs of pods and what the API server knew are put beside them. The
// error tells which of the cluster's programs had ended by themselves, too. nil, and what was stopped, may be stopped again.
func (c *Cluster) Stop() error {
	if c == nil || c.stopped {
		return nil
	}
	c.linger()
	return errors.Join(c.ended(), c.end())
}

func (c *Cluster) end() error {
	c.stopped = true
	defer running.Store(false)
	begin := time.Now()
	problems := []error{c.keepTraces()}
	if c.provider != nil {
		c.provider.stop()
	}
	problems = append(problems, c.onAll((*node).cutPower), c.plane.stop(), takeWire(), unmountState())
	c.report("stopped", begin)
	return errors.Join(problems...)
}

// Kubeconfig is the path of a file for a user who may do everything.
func (c *Cluster) Kubeconfig() string { return c.plane.kubeconfig }

// Kubectl runs kubectl and returns what it prints. The error holds what it prints on stderr.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig())
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}

// LoadImage loads an OCI archive on all nodes that have power.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	c.power.RLock()
	defer c.power.RUnlock()
	return c.onAll(func(n *node) error {
		if n.machine == nil {
			return nil
		}
		return n.load(ctx, archive)
	})
}

// NodeAddresses returns the addresses of all nodes by name.
func (c *Cluster) NodeAddresses() map[string]netip.Addr {
	addresses := make(map[string]netip.Addr, len(c.nodes))
	for _, n := range c.nodes {
		addresses[n.name] = n.address
	}
	return addresses
}
