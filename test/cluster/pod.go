package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead/fairlead/test/chat"
)

// pod is what runs for one Pod object. Its fields are guarded by Node.mu, but for those that never change.
type pod struct {
	uid     types.UID
	name    types.NamespacedName
	address netip.Addr
	ports   []servedPort

	finish     chan struct{} // closed: no more preStop sleep
	finishOnce sync.Once

	ready   bool
	killed  bool
	leaving bool // its departure has begun
	gone    bool // and is over: the object may be removed
}

type servedPort struct {
	name      string
	container int32 // the port in the manifest; the server's own differs where pods share an address
	server    *chat.Server
}

func podName(object *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
}

func (n *Node) lookup(key types.NamespacedName) *pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pods[key]
}

func (n *Node) forget(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.pods, key)
}

// bind is the scheduler's part: there is one node, and everything fits.
func (n *Node) bind(ctx context.Context, object *corev1.Pod) error {
	return n.clients.CoreV1().Pods(object.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: object.Name, Namespace: object.Namespace, UID: object.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: NodeName},
	}, metav1.CreateOptions{})
}

// run starts the servers of a pod.
func (n *Node) run(object *corev1.Pod) (*pod, error) {
	address, err := n.allocate()
	if err != nil {
		return nil, err
	}
	p := &pod{
		uid:     object.UID,
		name:    podName(object),
		address: address,
		finish:  make(chan struct{}),
		ready:   true,
	}
	for _, container := range object.Spec.Containers {
		for _, port := range container.Ports {
			number := port.ContainerPort
			if !n.network.Isolated {
				number = 0
			}
			server, err := chat.Listen(net.JoinHostPort(address.String(), strconv.Itoa(int(number))), chat.Options{Pod: object.Name})
			if err != nil {
				p.end()
				return nil, err
			}
			p.ports = append(p.ports, servedPort{name: port.Name, container: port.ContainerPort, server: server})
		}
	}
	n.mu.Lock()
	n.pods[p.name] = p
	n.mu.Unlock()
	n.log.Info("pod runs", "pod", p.name, "address", address)
	return p, nil
}

// allocate returns an address for a new pod. None is used twice, so that a late packet never meets a stranger.
func (n *Node) allocate() (netip.Addr, error) {
	if !n.network.Isolated {
		return n.network.Address, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next = n.next.Next()
	if !PodCIDR.Contains(n.next) {
		return netip.Addr{}, fmt.Errorf("all addresses of %s have been used", PodCIDR)
	}
	return n.next, nil
}

// end stops the servers at once, without goodbye.
func (p *pod) end() {
	for _, port := range p.ports {
		port.server.Close()
	}
}

// depart is called for a pod that is being deleted, as often as something changes.
func (n *Node) depart(ctx context.Context, object *corev1.Pod, p *pod) error {
	if p != nil {
		n.mu.Lock()
		begin := !p.leaving
		p.leaving = true
		over := p.gone || p.killed
		n.mu.Unlock()
		if begin {
			n.running.Go(func() { n.leave(ctx, object, p) })
		}
		if !over {
			return n.report(ctx, object, p)
		}
	}
	now := int64(0)
	err := n.clients.CoreV1().Pods(object.Namespace).Delete(ctx, object.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      &metav1.Preconditions{UID: &object.UID},
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// leave is the life of a pod from its deletion on: the preStop sleep, then the goodbye, all within the grace period.
func (n *Node) leave(ctx context.Context, object *corev1.Pod, p *pod) {
	// The API server sets the timestamp to the end of the grace period.
	grace, cancel := context.WithDeadline(ctx, object.DeletionTimestamp.Time)
	defer cancel()
	if pause := preStopSleep(object); pause > 0 {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.finish:
		case <-grace.Done():
		}
		timer.Stop()
	}
	for _, port := range p.ports {
		if err := port.server.Shutdown(grace); err != nil {
			n.log.Info("pod left sockets behind", "pod", p.name, "error", err)
		}
	}
	n.mu.Lock()
	p.gone = true
	n.mu.Unlock()
	n.log.Info("pod is gone", "pod", p.name)
	n.queue.Add(p.name)
}

// preStopSleep returns the longest preStop sleep of a pod's containers.
func preStopSleep(object *corev1.Pod) time.Duration {
	var longest int64
	for _, container := range object.Spec.Containers {
		if life := container.Lifecycle; life != nil && life.PreStop != nil && life.PreStop.Sleep != nil {
			longest = max(longest, life.PreStop.Sleep.Seconds)
		}
	}
	return time.Duration(longest) * time.Second
}
