package follow

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Collection is all objects of a kind, in the cluster or in some namespaces of it.
type Collection[T client.Object] struct {
	client     client.WithWatch
	set        Set
	namespaces []string
	// matters says whether an update must be told; told is called after every change that matters.
	matters func(before, after T) bool
	told    func()

	mu      sync.Mutex
	parts   map[string]*part[T] // by namespace
	settled chan struct{}       // closed when no part is Unknown any more
}

// part is what is known of one namespace, or of all.
type part[T client.Object] struct {
	state   State
	err     error
	objects map[types.NamespacedName]T
}

// NewCollection returns the collection of the set's kind in the namespaces; none: in all. Start fills
// it. matters says of an update whether changed must be called.
func NewCollection[T client.Object](c client.WithWatch, set Set, namespaces []string, matters func(before, after T) bool, changed func()) *Collection[T] {
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	x := &Collection[T]{client: c, set: set, namespaces: namespaces, matters: matters, told: changed,
		parts: map[string]*part[T]{}, settled: make(chan struct{})}
	for _, n := range namespaces {
		x.parts[n] = &part[T]{}
	}
	return x
}

// Start follows the objects until ctx is done.
func (x *Collection[T]) Start(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, n := range x.namespaces {
		set := x.set
		set.Namespace = n
		wg.Go(func() { Follow(ctx, x.client, set, x.sink(x.parts[n])) })
	}
	wg.Wait()
	return nil
}

// NeedLeaderElection says that every replica needs the objects.
func (x *Collection[T]) NeedLeaderElection() bool { return false }

// Settled returns a channel that is closed when it is known of every namespace what is in it, or that
// it can't be read.
func (x *Collection[T]) Settled() <-chan struct{} { return x.settled }

// All returns the objects. Nobody may change them.
func (x *Collection[T]) All() []T {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []T
	for _, p := range x.parts {
		all = slices.AppendSeq(all, maps.Values(p.objects))
	}
	return all
}

// State returns the worst of the namespaces' states, and the error that belongs to it.
func (x *Collection[T]) State() (State, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	worst, err := Current, error(nil)
	for _, n := range x.namespaces {
		if p := x.parts[n]; p.state != Current && worst != Forbidden {
			worst, err = p.state, p.err
		}
	}
	return worst, err
}

// sink puts what is followed into a part.
func (x *Collection[T]) sink(p *part[T]) Sink {
	return Sink{
		Replace: func(all []client.Object) {
			objects := make(map[types.NamespacedName]T, len(all))
			for _, o := range all {
				if o, ok := o.(T); ok {
					objects[client.ObjectKeyFromObject(o)] = o
				}
			}
			x.change(p, Current, nil, func() bool {
				same := maps.EqualFunc(p.objects, objects, func(a, b T) bool { return a.GetUID() == b.GetUID() && !x.matters(a, b) })
				p.objects = objects
				return !same
			})
		},
		Put: func(o client.Object) {
			if o, ok := o.(T); ok {
				x.change(p, Current, nil, func() bool {
					key := client.ObjectKeyFromObject(o)
					before, known := p.objects[key]
					p.objects[key] = o
					return !known || before.GetUID() != o.GetUID() || x.matters(before, o)
				})
			}
		},
		Drop: func(o client.Object) {
			x.change(p, Current, nil, func() bool {
				delete(p.objects, client.ObjectKeyFromObject(o))
				return true
			})
		},
		Failed: func(s State, err error) {
			x.change(p, s, err, func() bool {
				if s != Absent || len(p.objects) == 0 {
					return false
				}
				p.objects = nil // the kind was removed, and its objects with it
				return true
			})
		},
	}
}

// change changes a part, notes what is known of it and tells. An error after which nothing is known
// leaves the state as it was.
func (x *Collection[T]) change(p *part[T], s State, err error, apply func() bool) {
	x.mu.Lock()
	changed := apply()
	if p.err = err; s != Unknown {
		changed = changed || p.state != s
		p.state = s
	}
	open := false
	for _, p := range x.parts {
		open = open || p.state == Unknown
	}
	select {
	case <-x.settled:
	default:
		if !open {
			close(x.settled)
		}
	}
	x.mu.Unlock()
	if changed {
		x.told()
	}
}
