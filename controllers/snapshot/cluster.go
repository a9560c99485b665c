package snapshot

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Sources are where Read reads from. All but Objects may be nil: there are none of the kind.
type Sources struct {
	// Objects lists Ingresses, WebSocketRoutes, Services and EndpointSlices. It should be an informer
	// cache: the lists are not deep copies, so that reading a large cluster costs little.
	Objects client.Reader
	// Classes and Grants may be unreadable or not installed, and then return what is known. Of classes
	// it makes a difference whether all are.
	Classes func() (classes []*networkingv1.IngressClass, all bool)
	Grants  func() []*gatewayv1beta1.ReferenceGrant
	// References are what was wanted after the last snapshot.
	References func() References
	Names      func() map[string]Name
	// Selected says whether the Ingresses and WebSocketRoutes of a namespace count. nil: all do.
	Selected func(namespace string) bool
}

// Read reads every kind of a Snapshot. The order is by namespace and name, whatever the cache's, so
// that equal clusters give equal snapshots. An error means that a kind could not be listed; no partial
// snapshot is returned, for it would look like deleted objects.
func Read(ctx context.Context, from Sources) (*Snapshot, error) {
	var (
		ingresses networkingv1.IngressList
		routes    v1alpha1.WebSocketRouteList
		services  corev1.ServiceList
		endpoints discoveryv1.EndpointSliceList
	)
	for _, list := range []client.ObjectList{&ingresses, &routes, &services, &endpoints} {
		if err := from.Objects.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing %T for the snapshot: %w", list, err)
		}
	}
	s := &Snapshot{
		Ingresses:       selected(pointers(ingresses.Items), from.Selected),
		WebSocketRoutes: selected(pointers(routes.Items), from.Selected),
		Services:        pointers(services.Items),
		EndpointSlices:  pointers(endpoints.Items),
	}
	if from.Classes != nil {
		classes, all := from.Classes()
		s.IngressClasses, s.ClassesUnknown = classes, !all
	}
	if from.Grants != nil {
		s.ReferenceGrants = from.Grants()
	}
	if from.References != nil {
		refs := from.References()
		s.Secrets, s.ConfigMaps, s.Unreadable = refs.Secrets, refs.ConfigMaps, refs.Unreadable
	}
	if from.Names != nil {
		s.Names = from.Names()
	}
	s.sort()
	return s, nil
}

// selected returns the objects of the namespaces that count.
func selected[T client.Object](objects []T, count func(namespace string) bool) []T {
	if count == nil {
		return objects
	}
	return slices.DeleteFunc(objects, func(o T) bool { return !count(o.GetNamespace()) })
}

// pointers returns a pointer to each item.
func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}
