package nodes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// traceQueries are files that tell what there was at the end, and what kubectl is asked for them.
var traceQueries = map[string][]string{
	"events.txt": {"get", "events", "--all-namespaces", "--sort-by", ".lastTimestamp"},
	"pods.txt":   {"get", "nodes,pods,services,endpointslices", "--all-namespaces", "--output", "wide"},
}

// tracePatience is how long a cluster that ends may take to tell what there was.
const tracePatience = 10 * time.Second

// keepTraces writes what people look for after a failure beside the logs: the logs of pods that were left, objects and events.
func (c *Cluster) keepTraces() error {
	var problems []error
	if c.plane.ready {
		ctx, cancel := context.WithTimeout(context.Background(), tracePatience)
		defer cancel()
		for file, query := range traceQueries {
			out, err := c.Kubectl(ctx, query...)
			if err != nil {
				out += err.Error() // it may be what is wrong
			}
			problems = append(problems, os.WriteFile(filepath.Join(logs, file), []byte(out), 0o600))
		}
	}
	for _, n := range c.nodes {
		problems = append(problems, n.keepPodLogs())
	}
	return errors.Join(problems...)
}

// keepPodLogs copies the logs of the pods on the node's disk.
func (n *node) keepPodLogs() error {
	from := filepath.Join(disks, n.name, "log", "pods")
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		// NAMESPACE_POD_ID/CONTAINER/RESTARTS.log
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(logs, "pod-"+n.name+"-"+strings.ReplaceAll(name, "/", "-")), text, 0o600)
	})
	if errors.Is(err, fs.ErrNotExist) { // there was no pod, or it goes in this moment
		return nil
	}
	return err
}

// ended tells which of the cluster's programs have ended by themselves: none should.
func (c *Cluster) ended() error {
	all := slices.Clone(c.plane.processes)
	for _, n := range c.nodes {
		all = append(all, n.runtime, n.kubelet, n.proxy)
	}
	return ended(all...)
}

// keepVariable leaves a cluster running until somebody has looked at it.
const keepVariable = "KEEP"

// linger waits for a signal, if a developer wants to look around.
func (c *Cluster) linger() {
	if os.Getenv(keepVariable) == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	fmt.Fprintf(os.Stderr, `The cluster is left running. From another terminal, as root, go to where the tests were:
  nsenter --target %s --mount --pid --net env KUBECONFIG=%s PATH=%s:$PATH bash
and to a node from there: nsenter --target PID --all, with the PID of its containerd. Ctrl-C ends it all.
`, os.Getenv(outsideVariable), c.Kubeconfig(), programs)
	<-signals
}
