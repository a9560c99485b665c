package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// slicesBy marks the EndpointSlices that a Node writes (discoveryv1.LabelManagedBy).
const slicesBy = "node.cluster.test.fairlead.dev"

// slicesEvery is how long an endpoint may be late; only where there is no namespace.
const slicesEvery = 100 * time.Millisecond

// sliceWriter stands in for the endpointslice controller where all pods share one address. That controller takes the port of an endpoint
// from the manifest, in which all replicas have the same; here each replica listens on another.
// It writes one slice per Service and pod.
type sliceWriter struct {
	node *Node
}

func (w *sliceWriter) run(ctx context.Context) {
	ticker := time.NewTicker(slicesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := w.write(ctx); err != nil && ctx.Err() == nil {
				w.node.log.Debug("endpoint slices not settled yet", "error", err)
			}
		}
	}
}

// write makes the slices equal to what runs.
func (w *sliceWriter) write(ctx context.Context) error {
	wanted, err := w.wanted(ctx)
	if err != nil {
		return err
	}
	existing, err := w.node.clients.DiscoveryV1().EndpointSlices(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelManagedBy + "=" + slicesBy,
	})
	if err != nil {
		return err
	}
	var problems []error
	for i := range existing.Items {
		have := &existing.Items[i]
		key := have.Namespace + "/" + have.Name
		api := w.node.clients.DiscoveryV1().EndpointSlices(have.Namespace)
		want := wanted[key]
		delete(wanted, key)
		switch {
		case want == nil:
			err := api.Delete(ctx, have.Name, metav1.DeleteOptions{})
			if !apierrors.IsNotFound(err) {
				problems = append(problems, err)
			}
		case !equality.Semantic.DeepEqual(have.Endpoints, want.Endpoints) || !equality.Semantic.DeepEqual(have.Ports, want.Ports):
			want.ResourceVersion = have.ResourceVersion
			_, err := api.Update(ctx, want, metav1.UpdateOptions{})
			problems = append(problems, err)
		}
	}
	for _, want := range wanted {
		_, err := w.node.clients.DiscoveryV1().EndpointSlices(want.Namespace).Create(ctx, want, metav1.CreateOptions{})
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// wanted returns the slices that there should be, by namespace/name.
func (w *sliceWriter) wanted(ctx context.Context) (map[string]*discoveryv1.EndpointSlice, error) {
	services, err := w.node.clients.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]*discoveryv1.EndpointSlice)
	for i := range services.Items {
		service := &services.Items[i]
		if len(service.Spec.Selector) == 0 {
			continue
		}
		selector := labels.SelectorFromSet(service.Spec.Selector)
		for _, item := range w.node.objects.List() {
			object, ok := item.(*corev1.Pod)
			if !ok || object.Namespace != service.Namespace || !selector.Matches(labels.Set(object.Labels)) {
				continue
			}
			if slice := w.slice(service, object); slice != nil {
				wanted[slice.Namespace+"/"+slice.Name] = slice
			}
		}
	}
	return wanted, nil
}

// slice returns the slice of one pod for a Service, nil when it doesn't run.
func (w *sliceWriter) slice(service *corev1.Service, object *corev1.Pod) *discoveryv1.EndpointSlice {
	n := w.node
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pods[podName(object)]
	if p == nil || p.uid != object.UID || p.killed || p.gone {
		return nil
	}
	serving, terminating := p.ready, object.DeletionTimestamp != nil
	ready := (serving && !terminating) || service.Spec.PublishNotReadyAddresses
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:      fmt.Sprintf("%s-%s", service.Name, object.Name),
			Namespace: service.Namespace,
			Labels:    map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: slicesBy},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{p.address.String()},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: object.Namespace, Name: object.Name, UID: object.UID},
		}},
	}
	for _, port := range service.Spec.Ports {
		for _, served := range p.ports {
			if !servesTarget(served, port.TargetPort) {
				continue
			}
			name, number, protocol := port.Name, int32(served.server.Address().Port), corev1.ProtocolTCP
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{
				Name: &name, Port: &number, Protocol: &protocol, AppProtocol: port.AppProtocol,
			})
		}
	}
	return slice
}

func servesTarget(served servedPort, target intstr.IntOrString) bool {
	if target.Type == intstr.String {
		return served.name == target.StrVal
	}
	return served.container == target.IntVal // the API server defaults it to the Service's port
}
