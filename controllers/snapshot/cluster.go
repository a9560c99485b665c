package snapshot

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Read lists every kind of a Snapshot from r, which should be an informer cache: the lists are not
// deep copies, so that reading a large cluster costs little. The order is by namespace and name,
// whatever the cache's, so that equal clusters give equal snapshots. An error means that a kind
// could not be listed; no partial snapshot is returned, for it would look like deleted objects.
func Read(ctx context.Context, r client.Reader) (*Snapshot, error) {
	var (
		classes   networkingv1.IngressClassList
		ingresses networkingv1.IngressList
		routes    v1alpha1.WebSocketRouteList
		services  corev1.ServiceList
		endpoints discoveryv1.EndpointSliceList
		secrets   corev1.SecretList
	)
	for _, list := range []client.ObjectList{&classes, &ingresses, &routes, &services, &endpoints, &secrets} {
		if err := r.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing %T for the snapshot: %w", list, err)
		}
	}
	s := &Snapshot{
		IngressClasses:  pointers(classes.Items),
		Ingresses:       pointers(ingresses.Items),
		WebSocketRoutes: pointers(routes.Items),
		Services:        pointers(services.Items),
		EndpointSlices:  pointers(endpoints.Items),
	}
	for i := range secrets.Items {
		if secrets.Items[i].Type == corev1.SecretTypeTLS {
			s.Secrets = append(s.Secrets, &secrets.Items[i])
		}
	}
	s.sort()
	return s, nil
}

// pointers returns a pointer to each item.
func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}
