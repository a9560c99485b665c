package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// WatchOptions narrow what is looked at. What they leave out is not served, and its status not touched.
type WatchOptions struct {
	// Namespaces of Ingresses, WebSocketRoutes and all that they name. None: all. Rights in these are
	// enough then.
	Namespaces []string
	// NamespaceSelector selects the namespaces of Ingresses and WebSocketRoutes by their labels. nil: all.
	NamespaceSelector labels.Selector
	// ObjectSelector selects Ingresses and WebSocketRoutes by their labels. nil: all.
	ObjectSelector labels.Selector
}

// caches says what the informer caches hold.
func (o Options) caches() cache.Options {
	services := cache.ByObject{Namespaces: o.namespaces(func(name string) cache.Config {
		return cache.Config{FieldSelector: fields.OneTermEqualSelector("metadata.name", name)}
	})}
	endpoints := cache.ByObject{Namespaces: o.namespaces(func(name string) cache.Config {
		return cache.Config{LabelSelector: labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: name})}
	})}
	objects := cache.ByObject{Label: o.Watch.ObjectSelector, Namespaces: o.namespaces(nil)}
	return cache.Options{
		DefaultTransform: trim,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Service{}:            services,
			&discoveryv1.EndpointSlice{}: endpoints,
			&networkingv1.Ingress{}:      objects,
			&v1alpha1.WebSocketRoute{}:   objects,
		},
	}
}

// namespaces returns the namespaces to watch; nil: all. Where only one Service of a namespace counts,
// because the controller's own settings name it, only says how to watch it alone; only nil: it is not
// about Services.
func (o Options) namespaces(only func(name string) cache.Config) map[string]cache.Config {
	if len(o.Watch.Namespaces) == 0 {
		return nil
	}
	m := map[string]cache.Config{}
	for _, n := range o.Watch.Namespaces {
		m[n] = cache.Config{}
	}
	if only == nil {
		return m
	}
	for _, service := range []types.NamespacedName{o.PublishService, o.Translate.DefaultBackend} {
		if service.Name == "" || slices.Contains(o.Watch.Namespaces, service.Namespace) {
			continue
		}
		if _, two := m[service.Namespace]; two && o.PublishService.Name != o.Translate.DefaultBackend.Name {
			m[service.Namespace] = cache.Config{} // no selector names two
			continue
		}
		m[service.Namespace] = only(service.Name)
	}
	return m
}

// trim drops what nobody here reads before it takes memory in the cache: field ownership, and the
// copy of the whole object that kubectl apply leaves in an annotation.
func trim(in any) (any, error) {
	o, err := meta.Accessor(in)
	if err != nil {
		return in, nil //nolint:nilerr // a tombstone has no metadata to trim
	}
	if o.GetManagedFields() != nil {
		o.SetManagedFields(nil)
	}
	delete(o.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	return in, nil
}
