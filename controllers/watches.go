package controllers

import (
	"context"
	"errors"
	"maps"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// watchAll maps every change in the informer caches that can matter to the one request; for the rest see
// needs. What does not matter is left out
// here because it comes often: our own status writes, the timestamps that the EndpointSlice
// controller leaves, renewed field ownership.
func watchAll(mgr manager.Manager, c controller.TypedController[world], publish types.NamespacedName) error {
	return errors.Join(
		watch(mgr, c, &networkingv1.Ingress{}, specChanged),
		watch(mgr, c, &v1alpha1.WebSocketRoute{}, specChanged),
		watch(mgr, c, &corev1.Service{}, func(before, after *corev1.Service) bool {
			return serviceChanged(before, after, client.ObjectKeyFromObject(after) == publish)
		}),
		watch(mgr, c, &discoveryv1.EndpointSlice{}, endpointsChanged),
	)
}

// watch maps additions, deletions and the updates for which changed is true to the one request.
func watch[T client.Object](mgr manager.Manager, c controller.TypedController[world], kind T, changed func(before, after T) bool) error {
	all := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, T) []world { return []world{{}} })
	return c.Watch(source.TypedKind(mgr.GetCache(), kind, all, predicate.TypedFuncs[T]{
		UpdateFunc: func(e event.TypedUpdateEvent[T]) bool {
			// After a pause of the watch a deletion and a creation can look like one update.
			return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() || changed(e.ObjectOld, e.ObjectNew)
		},
	}))
}

// specChanged is for kinds whose generation counts the changes of their spec.
func specChanged[T client.Object](before, after T) bool {
	return before.GetGeneration() != after.GetGeneration() || !maps.Equal(before.GetAnnotations(), after.GetAnnotations())
}

// serviceChanged looks at the spec: a Service has no generation to rely on. The status counts for
// the Service whose addresses are published.
func serviceChanged(before, after *corev1.Service, published bool) bool {
	return !equality.Semantic.DeepEqual(before.Spec, after.Spec) ||
		published && !equality.Semantic.DeepEqual(before.Status.LoadBalancer, after.Status.LoadBalancer)
}

// endpointsChanged looks at all but the metadata, of which only the owning Service counts.
func endpointsChanged(before, after *discoveryv1.EndpointSlice) bool {
	return before.AddressType != after.AddressType ||
		before.Labels[discoveryv1.LabelServiceName] != after.Labels[discoveryv1.LabelServiceName] ||
		!equality.Semantic.DeepEqual(before.Endpoints, after.Endpoints) ||
		!equality.Semantic.DeepEqual(before.Ports, after.Ports)
}
