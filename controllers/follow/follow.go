package follow

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The pauses between two attempts. The first of them also spaces the beginnings of watches that end
// without a fault, as all do after some minutes.
const (
	firstPause = time.Second
	// longestPause is that of client-go's informers.
	longestPause = 30 * time.Second
	// healthy is how long a watch must have lived for its end to be nothing special.
	healthy = time.Minute
)

// State is what is known of a set of objects.
type State int

// The states of a set.
const (
	Unknown   State = iota // nobody has answered yet
	Current                // the objects are known
	Forbidden              // they must not be read
	Absent                 // the cluster has no such kind
)

// Set is which objects to follow.
type Set struct {
	// NewList makes an empty list of their kind, and Example is one of them.
	NewList func() client.ObjectList
	Example client.Object
	// Namespace they are in; "": all.
	Namespace string
	// Fields selects among them; nil: all.
	Fields fields.Selector
	// LongestPause is the longest time between two attempts; 0: longestPause.
	LongestPause time.Duration
}

// Named returns the set of the one object of the name in the namespace. RBAC's resourceNames can allow
// to list and watch it (Kubernetes documentation, "Using RBAC Authorization: Referring to resources").
func (s Set) Named(name string) Set {
	s.Fields = fields.OneTermEqualSelector(metav1.ObjectNameField, name)
	return s
}

// Sink takes in what is followed. Its functions are called one after another, and must not block.
type Sink struct {
	// Trim, if it is there, makes less of an object before it takes memory. It may return nil for
	// nothing but the name.
	Trim func(client.Object) client.Object
	// Replace gets all objects of the set. Of those that Trim left nothing of it gets their metadata.
	Replace func([]client.Object)
	// Put gets an object that is new or has changed.
	Put func(client.Object)
	// Drop gets an object that is gone.
	Drop func(client.Object)
	// Failed gets why the set could not be read: the state is Unknown if it isn't known whether it may
	// be. What was read before may still be right.
	Failed func(State, error)
}

// Follow keeps the sink up to date until ctx is done.
func Follow(ctx context.Context, c client.WithWatch, set Set, sink Sink) {
	ctx = klog.NewContext(ctx, logr.Discard()) // what goes wrong is told here, once
	reflector := cache.NewReflectorWithOptions(set.source(c), set.Example, store{sink}, cache.ReflectorOptions{Name: "follow"})
	pause := firstPause
	for {
		began := time.Now()
		err := reflector.ListAndWatchWithContext(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			sink.Failed(classify(err), err)
		}
		if err == nil || time.Since(began) > healthy {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(jitter(pause)):
		}
		longest := longestPause
		if set.LongestPause > 0 {
			longest = set.LongestPause
		}
		pause = min(2*pause, longest)
	}
}

// classify says what an error means for a set.
func classify(err error) State {
	switch {
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return Forbidden
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return Absent
	}
	return Unknown
}

// jitter adds up to a quarter, so that replicas which started together don't ask together.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/4) }

// source lists and watches the set.
func (s Set) source(c client.WithWatch) *cache.ListWatch {
	options := func(raw *metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{Namespace: s.Namespace, FieldSelector: s.Fields, Raw: raw}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := s.NewList()
			return list, c.List(ctx, list, options(&o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, s.NewList(), options(&o))
		},
	}
}

// Fetch reads a set once.
func Fetch(ctx context.Context, c client.WithWatch, set Set) ([]client.Object, error) {
	list := set.NewList()
	if err := c.List(ctx, list, &client.ListOptions{Namespace: set.Namespace, FieldSelector: set.Fields}); err != nil {
		return nil, err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return nil, err
	}
	var objects []client.Object
	for _, item := range items {
		if o, ok := item.(client.Object); ok {
			objects = append(objects, o)
		}
	}
	return objects, nil
}
