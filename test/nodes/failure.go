package nodes

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KillPod kills the first process of a pod's container with SIGKILL. An empty name is the first container's.
func (c *Cluster) KillPod(ctx context.Context, namespace, pod, container string) error {
	got, err := c.plane.clients.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("kill the pod %s/%s: %w", namespace, pod, err)
	}
	id, err := containerID(got, container)
	if err != nil {
		return fmt.Errorf("kill the pod %s/%s: %w", namespace, pod, err)
	}
	c.power.RLock()
	defer c.power.RUnlock()
	n, err := c.node(got.Spec.NodeName)
	if err != nil {
		return err
	}
	if _, err := n.ctr(ctx, nil, "tasks", "kill", "--signal", "SIGKILL", id); err != nil {
		return fmt.Errorf("kill the pod %s/%s on %s: %w", namespace, pod, n.name, err)
	}
	return nil
}

func containerID(pod *corev1.Pod, container string) (string, error) {
	for _, status := range pod.Status.ContainerStatuses {
		if container != "" && status.Name != container {
			continue
		}
		if status.State.Running == nil {
			return "", fmt.Errorf("its container %s does not run", status.Name)
		}
		return strings.TrimPrefix(status.ContainerID, "containerd://"), nil
	}
	return "", fmt.Errorf("it has no container %q, or its node has not told yet", container)
}

// StopNode cuts a node's power: it is off the wire before anything on it ends, so that nobody hears a goodbye, and its memory is
// lost. Its disk stays. Kubernetes notices after about ten seconds.
func (c *Cluster) StopNode(_ context.Context, name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	c.power.Lock()
	defer c.power.Unlock()
	if n.machine == nil {
		return fmt.Errorf("stop %s: it has no power", name)
	}
	return n.cutPower()
}

// StartNode gives a node its power back and waits until it is ready.
func (c *Cluster) StartNode(ctx context.Context, name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	c.power.Lock()
	defer c.power.Unlock()
	if n.machine != nil {
		return fmt.Errorf("start %s: it has power", name)
	}
	if err := n.boot(ctx); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := c.layRoutes(); err != nil { // before pods talk
		return err
	}
	if err := n.join(ctx, c.plane.clients); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) node(name string) (*node, error) {
	for _, n := range c.nodes {
		if n.name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("there is no node %q", name)
}
