package follow

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// store hands what a reflector reads to a sink.
type store struct{ sink Sink }

var _ cache.TransformingStore = store{}

// Transformer makes less of the objects that stream in before the first Replace, so that they don't
// take memory all at once.
func (s store) Transformer() cache.TransformFunc {
	return func(in any) (any, error) {
		if o, ok := in.(client.Object); ok {
			return s.trim(o), nil
		}
		return in, nil
	}
}

func (s store) trim(o client.Object) client.Object {
	o.SetManagedFields(nil)
	if s.sink.Trim == nil {
		return o
	}
	if _, bare := o.(*metav1.PartialObjectMetadata); bare {
		return o
	}
	if kept := s.sink.Trim(o); kept != nil {
		return kept
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID()}}
}

// Replace takes in all objects.
func (s store) Replace(all []any, _ string) error {
	objects := make([]client.Object, 0, len(all))
	for _, in := range all {
		if o, ok := in.(client.Object); ok {
			objects = append(objects, s.trim(o))
		}
	}
	s.sink.Replace(objects)
	return nil
}

// Add takes in a new object.
func (s store) Add(in any) error {
	if o, ok := in.(client.Object); ok {
		s.sink.Put(s.trim(o))
	}
	return nil
}

// Update takes in a changed object.
func (s store) Update(in any) error { return s.Add(in) }

// Delete takes in that an object is gone.
func (s store) Delete(in any) error {
	if o, ok := in.(client.Object); ok {
		s.sink.Drop(o)
	}
	return nil
}

// Resync has nothing to do: what was told stays told.
func (store) Resync() error { return nil }
