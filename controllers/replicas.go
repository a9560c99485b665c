package controllers

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Which other replicas there are: where they run, when no Service is published, and whether the one that
// ends is the last.
// +kubebuilder:rbac:groups="",namespace=fairlead-system,resources=pods,verbs=get;list

const (
	// replicasLook is how often the leader looks where the replicas run. ingress-nginx does it as often.
	replicasLook = time.Minute
	// replicasFirstLook is after how long it looks again when it has just begun to lead, and each time after twice as long: an
	// installation has a leader before its other replicas run.
	replicasFirstLook = 2 * time.Second
	// replicasRetry is how often when it could not be found out.
	replicasRetry   = 10 * time.Second
	replicasTimeout = 5 * time.Second
	// farewellTime is how long clearing the status may hold up the end of the last replica.
	farewellTime = 15 * time.Second
	farewells    = 16 // requests at once
)

// replicas knows the other replicas by their pods. In the leader it finds the addresses of their nodes,
// and clears the status of objects when the last of them ends.
type replicas struct {
	client client.Client
	status *status
	leader *leader
	o      Options
	log    *slog.Logger
	asked  chan struct{}
	told   string
}

func newReplicas(c client.Client, s *status, l *leader, o Options) *replicas {
	return &replicas{client: c, status: s, leader: l, o: o, log: o.Log, asked: make(chan struct{}, 1)}
}

// again asks to look, such as when this replica begins to lead.
func (r *replicas) again() {
	select {
	case r.asked <- struct{}{}:
	default:
	}
}

// NeedLeaderElection keeps the manager from waiting for its own election, which is off.
func (r *replicas) NeedLeaderElection() bool { return false }

// Start keeps the addresses of the nodes up to date in the leader, if they are what is written.
func (r *replicas) Start(ctx context.Context) error {
	if !r.o.nodeAddresses() {
		return nil
	}
	next := replicasFirstLook
	for {
		pause := next
		if _, leads := r.leader.leading(); leads && !r.locate(ctx) {
			pause = replicasRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.asked:
			next = replicasFirstLook
		case <-time.After(pause):
			next = min(2*next, replicasLook)
		}
	}
}

// locate finds the addresses and returns whether it could. Until it can, those that were written stay.
func (r *replicas) locate(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, replicasTimeout)
	defer cancel()
	list, err := r.addresses(ctx)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("no node of a running replica has an address")
	}
	if err != nil {
		if said := err.Error(); said != r.told && ctx.Err() == nil {
			r.told = said
			r.log.Warn("the addresses of the nodes are not known, and the status of objects keeps those it has: give --publish-service or --publish-status-address, or the right to get nodes and to get and list pods", "error", err)
		}
		return false
	}
	r.told = ""
	r.status.located(typed(list))
	return true
}

// addresses returns the addresses of the nodes that run replicas, in order. A pod that runs counts, be it
// ready or not: who is not ready for a moment shall not move every name in a DNS.
func (r *replicas) addresses(ctx context.Context) ([]string, error) {
	pods, err := r.pods(ctx)
	if err != nil {
		return nil, err
	}
	nodes := map[string]bool{}
	for i := range pods {
		if p := &pods[i]; p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil && p.Spec.NodeName != "" {
			nodes[p.Spec.NodeName] = true
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		var node corev1.Node
		if err := r.client.Get(ctx, client.ObjectKey{Name: name}, &node); apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		list = append(list, nodeAddresses(&node, r.o.InternalAddresses)...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// nodeAddresses returns the IP addresses of a node: the external ones, or else the internal ones.
func nodeAddresses(node *corev1.Node, internal bool) []string {
	of := func(t corev1.NodeAddressType) (list []string) {
		for _, a := range node.Status.Addresses {
			if a.Type == t && a.Address != "" {
				list = append(list, a.Address)
			}
		}
		return list
	}
	if external := of(corev1.NodeExternalIP); len(external) > 0 && !internal {
		return external
	}
	return of(corev1.NodeInternalIP)
}

// pods returns the pods of all replicas: those that are labelled like our own one.
func (r *replicas) pods(ctx context.Context) ([]corev1.Pod, error) {
	var own corev1.Pod
	if err := r.client.Get(ctx, r.o.Pod, &own); err != nil {
		return nil, err
	}
	alike := identity(own.Labels)
	if len(alike) == 0 {
		return []corev1.Pod{own}, nil
	}
	var list corev1.PodList
	if err := r.client.List(ctx, &list, client.InNamespace(own.Namespace), alike); err != nil {
		return nil, err
	}
	return list.Items, nil
}

// identity returns the labels that all replicas have, whatever their revision and wherever they run:
// those that name an application (Kubernetes documentation, "Recommended Labels"), or, without these,
// all but those of Kubernetes itself, which tell a revision, a pod or a place.
func identity(all map[string]string) client.MatchingLabels {
	alike := client.MatchingLabels{}
	for _, key := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"} {
		if value, ok := all[key]; ok {
			alike[key] = value
		}
	}
	if len(alike) > 0 {
		return alike
	}
	for key, value := range all {
		domain, _, prefixed := strings.Cut(key, "/")
		switch {
		case key == "pod-template-hash", key == "controller-revision-hash", key == "pod-template-generation":
		case prefixed && (domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") || domain == "helm.sh"):
		default:
			alike[key] = value
		}
	}
	return alike
}

// leave clears the addresses of all objects if this replica, the leader, is the last one: nobody is there
// to whom they could lead. If that can't be found out, another one may well serve, and they stay.
func (r *replicas) leave(ctx context.Context) {
	if r.o.KeepStatus || r.o.NoStatusUpdate || r.o.Pod.Name == "" {
		return
	}
	look, cancel := context.WithTimeout(ctx, replicasTimeout)
	defer cancel()
	pods, err := r.pods(look)
	if err != nil {
		r.log.Warn("whether this is the last replica can't be found out; the status of objects stays as it is", "error", err)
		return
	}
	for i := range pods {
		if p := &pods[i]; p.Name != r.o.Pod.Name && p.DeletionTimestamp == nil && ready(p) {
			r.log.Info("another replica serves; the status of objects stays as it is", "pod", p.Name)
			return
		}
	}
	left := r.status.leave()
	cleared := r.clear(ctx, left)
	r.log.Info("the last replica ends; the addresses of objects are cleared", "objects", len(left), "cleared", cleared)
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// clear takes the addresses out of the status of the objects and returns of how many.
func (r *replicas) clear(ctx context.Context, keys []objectKey) (cleared int) {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		tokens = make(chan struct{}, farewells)
	)
	for _, key := range keys {
		tokens <- struct{}{}
		wg.Go(func() {
			defer func() { <-tokens }()
			if err := client.IgnoreNotFound(r.clearOne(ctx, key)); err != nil {
				r.log.Warn("the addresses of an object can't be cleared", "object", key, "error", err)
				return
			}
			mu.Lock()
			cleared++
			mu.Unlock()
		})
	}
	wg.Wait()
	return cleared
}

// clearOne patches what we wrote and nothing else, for which the object need not be read.
func (r *replicas) clearOne(ctx context.Context, key objectKey) error {
	var o client.Object = &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	patch := `{"status":{"loadBalancer":{"ingress":null}}}`
	if key.Kind == kindRoute {
		o = &v1alpha1.WebSocketRoute{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		patch = `{"status":{"addresses":null}}`
	}
	return r.client.Status().Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner(fieldOwner))
}
