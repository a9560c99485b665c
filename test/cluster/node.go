package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
)

// NodeName is the name of the Node object.
const NodeName = "node-1"

// Node plays scheduler and kubelet: it binds every pod to itself and runs a chat server for each of
// its container ports, on an address of the pod's own, whatever image the pod names. It is not the least bit of
// a sandbox: all runs in the calling process.
//
// A deleted pod lives on as a real one does: its preStop sleep first (spec.containers[].lifecycle.preStop.sleep), then its
// sockets get Close 1001, then the object is removed; all within its grace period. In the first part its
// endpoint is terminating and serving.
type Node struct {
	clients kubernetes.Interface
	network Network
	log     *slog.Logger

	objects *podStore
	queue   workqueue.TypedRateLimitingInterface[types.NamespacedName]
	slices  *sliceWriter // nil when the real controller writes them
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	pods map[types.NamespacedName]*pod
	next netip.Addr
}

// StartNode registers the node and runs pods until Stop. It returns once it has seen the pods that exist.
// log may be nil.
func (c *Cluster) StartNode(ctx context.Context, log *slog.Logger) (*Node, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		clients: c.clients,
		network: c.Network,
		log:     log,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](20*time.Millisecond, time.Second)),
		pods: make(map[types.NamespacedName]*pod),
		next: PodCIDR.Addr().Next(), // the first one is what the API server advertises
	}
	if err := n.register(ctx); err != nil {
		return nil, fmt.Errorf("register node %s: %w", NodeName, err)
	}
	if !n.network.Isolated {
		n.slices = &sliceWriter{node: n}
	}
	n.objects = newPodStore(n.queue)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.cancel = cancel
	n.running.Go(func() { n.objects.watch(run, n.clients) })
	n.running.Go(func() { n.work(run) })
	if n.slices != nil {
		n.running.Go(func() { n.slices.run(run) })
	}
	select {
	case <-n.objects.complete:
	case <-ctx.Done():
		n.Stop()
		return nil, fmt.Errorf("watch pods: %w", ctx.Err())
	}
	return n, nil
}

// register makes the Node object: pods of a node that doesn't exist get no endpoints.
func (n *Node) register(ctx context.Context) error {
	nodes := n.clients.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   NodeName,
		Labels: map[string]string{corev1.LabelHostname: NodeName, corev1.LabelTopologyZone: "zone-1"},
	}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		node, err = nodes.Get(ctx, NodeName, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	// Admission taints every new node as not ready; the controller that would see that it is ready is off.
	node.Spec.Taints = nil
	if node, err = nodes.Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	now := metav1.Now()
	node.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Registered", LastHeartbeatTime: now, LastTransitionTime: now,
	}}
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// Stop ends all pods at once, without goodbye, and leaves their objects as they are.
func (n *Node) Stop() {
	n.cancel()
	n.queue.ShutDown()
	n.running.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, p := range n.pods {
		p.end()
		delete(n.pods, name)
	}
}

// SetReady changes the readiness of a pod, as a probe would; it goes on serving its sockets.
func (n *Node) SetReady(namespace, name string, ready bool) error {
	return n.change(namespace, name, func(p *pod) { p.ready = ready })
}

// Finish ends the preStop sleep of a pod that is being deleted, or will be: it then says goodbye to its sockets at once.
func (n *Node) Finish(namespace, name string) error {
	return n.change(namespace, name, func(p *pod) { p.finishOnce.Do(func() { close(p.finish) }) })
}

// Kill ends a pod the hard way: its sockets get a TCP reset and its phase is Failed, so that its Deployment replaces it.
func (n *Node) Kill(namespace, name string) error {
	return n.change(namespace, name, func(p *pod) {
		p.killed = true
		for _, port := range p.ports {
			port.server.Kill()
		}
	})
}

// change changes what the node knows of a pod, and lets the worker tell the API server.
func (n *Node) change(namespace, name string, change func(*pod)) error {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pods[key]
	if p == nil {
		return fmt.Errorf("pod %s does not run here", key)
	}
	change(p)
	n.queue.Add(key)
	return nil
}

// Sessions returns the number of open sockets of a pod; 0 when it doesn't run.
func (n *Node) Sessions(namespace, name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	if p := n.pods[types.NamespacedName{Namespace: namespace, Name: name}]; p != nil {
		for _, port := range p.ports {
			count += port.server.Sessions()
		}
	}
	return count
}

// work is the one goroutine that starts and ends pods and writes to the API server.
func (n *Node) work(ctx context.Context) {
	for {
		key, stop := n.queue.Get()
		if stop {
			return
		}
		// A conflict or an API server that is away: the queue comes back to it.
		if err := n.reconcile(ctx, key); err != nil && ctx.Err() == nil {
			n.log.Debug("pod not settled yet", "pod", key, "error", err)
			n.queue.AddRateLimited(key)
		} else {
			n.queue.Forget(key)
		}
		n.queue.Done(key)
	}
}

func (n *Node) reconcile(ctx context.Context, key types.NamespacedName) error {
	object, err := n.objects.get(key)
	if err != nil {
		return err
	}
	p := n.lookup(key)
	if p != nil && (object == nil || object.UID != p.uid) {
		n.forget(key)
		p.end()
		p = nil
	}
	switch {
	case object == nil:
		return nil
	case object.Spec.NodeName == "":
		return n.bind(ctx, object)
	case object.Spec.NodeName != NodeName:
		return nil
	case object.DeletionTimestamp != nil:
		return n.depart(ctx, object, p)
	case p == nil && object.Status.Phase != corev1.PodFailed:
		if p, err = n.run(object); err != nil {
			return err
		}
	}
	if p == nil {
		return nil
	}
	return n.report(ctx, object, p)
}
