package references

import (
	"bytes"
	"context"
	"maps"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/controllers/follow"
)

// rareAttempt is how often a namespace that must not be listed is asked for again at most. Its objects
// are watched by name meanwhile, so that it is no hurry.
const rareAttempt = 10 * time.Minute

// The pauses between attempts to fetch an object from a namespace that is watched.
const (
	fetchPause        = 500 * time.Millisecond
	longestFetchPause = 30 * time.Second
)

// room is what is wanted of one kind in one namespace. All but run is guarded by the mutex of the Store.
type room struct {
	store  *Store
	at     place
	closed chan struct{}
	orders chan struct{} // there are entries whose watches are to begin

	whole   bool // the namespace is watched; else, if it is denied, each entry for itself
	denied  bool
	entries map[string]*entry
}

// entry is one object that is wanted, be it there or not.
type entry struct {
	object client.Object // nil: it is not there, or not known
	state  follow.State
	err    error
	// alone is whether a watch or a request of its own is under way; end ends it.
	alone bool
	end   context.CancelFunc
}

func newRoom(s *Store, at place) *room {
	return &room{store: s, at: at, closed: make(chan struct{}), orders: make(chan struct{}, 1), entries: map[string]*entry{}}
}

// want sets the names that are wanted and returns whether any is new.
func (r *room) want(names map[string]bool) (more bool) {
	for name, e := range r.entries {
		if !names[name] {
			e.stop()
			delete(r.entries, name)
		}
	}
	for name := range names {
		if r.entries[name] == nil {
			r.entries[name] = &entry{}
			more = true
		}
	}
	if more {
		r.order()
	}
	return more
}

func (r *room) close() {
	for _, e := range r.entries {
		e.stop()
	}
	close(r.closed)
}

func (e *entry) stop() {
	if e.end != nil {
		e.end()
	}
	e.alone, e.end = false, nil
}

// open says whether there is an entry of which nothing is known.
func (r *room) open() bool {
	for _, e := range r.entries {
		if e.state == follow.Unknown {
			return true
		}
	}
	return false
}

// order asks run to begin what entries need of their own.
func (r *room) order() {
	select {
	case r.orders <- struct{}{}:
	default:
	}
}

// run follows the namespace, and what entries need of their own, until the room is closed or ctx is done.
func (r *room) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	set := r.at.kind.set
	set.Namespace, set.LongestPause = r.at.namespace, rareAttempt
	wg.Go(func() { follow.Follow(ctx, r.store.client, set, r.sink()) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.closed:
			return
		case <-r.orders:
		}
		for name, own := range r.due(ctx) {
			if own.fetch {
				wg.Go(func() { r.fetch(own, name) })
			} else {
				wg.Go(func() { r.single(own, name) })
			}
		}
	}
}

// errand is what an entry needs of its own: a request, or else a watch.
type errand struct {
	context.Context
	fetch bool
}

// due returns the entries that need a watch or a request of their own.
func (r *room) due(ctx context.Context) map[string]errand {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	due := map[string]errand{}
	for name, e := range r.entries {
		if e.alone || !r.denied && (!r.whole || e.state == follow.Current) {
			continue
		}
		own, end := context.WithCancel(ctx)
		e.alone, e.end = true, end
		due[name] = errand{own, r.whole}
	}
	return due
}

// single follows one entry by its name, as long as the namespace is denied.
func (r *room) single(ctx context.Context, name string) {
	set := r.at.kind.set
	set.Namespace = r.at.namespace
	follow.Follow(ctx, r.store.client, set.Named(name), follow.Sink{
		Replace: func(all []client.Object) { r.set(ctx, name, first(all)) },
		Put:     func(o client.Object) { r.set(ctx, name, o) },
		Drop:    func(client.Object) { r.set(ctx, name, nil) },
		Failed:  func(s follow.State, err error) { r.failed(ctx, name, s, err) },
	})
}

// fetch reads one entry that became wanted after the watch of the namespace had dropped its object. It
// asks for the newest state there is: with an older one, a change that was dropped too could be missed.
func (r *room) fetch(ctx context.Context, name string) {
	set := r.at.kind.set
	set.Namespace = r.at.namespace
	for pause := fetchPause; ; pause = min(2*pause, longestFetchPause) {
		all, err := follow.Fetch(ctx, r.store.client, set.Named(name))
		if err == nil {
			r.set(ctx, name, first(all))
			break
		}
		r.failed(ctx, name, follow.Unknown, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	r.change(func() bool {
		if e := r.entries[name]; e != nil && ctx.Err() == nil {
			e.stop() // from now on the watch of the namespace keeps it, or one of its own
			r.order()
		}
		return false
	})
}

func first(all []client.Object) client.Object {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// failed notes why an entry can't be read. What was read before stays: a certificate is not worse for it.
func (r *room) failed(ctx context.Context, name string, s follow.State, err error) {
	r.change(func() bool {
		e := r.entries[name]
		if e == nil || ctx.Err() != nil {
			return false
		}
		e.err = err
		if s != follow.Forbidden || e.state == s {
			return false
		}
		e.state = s
		return true
	})
}

// set takes in what was read of a single entry, unless the watch of the namespace was faster.
func (r *room) set(ctx context.Context, name string, o client.Object) {
	r.change(func() bool {
		e := r.entries[name]
		return e != nil && ctx.Err() == nil && e.is(o)
	})
}

// is notes what an entry holds and returns whether that is news.
func (e *entry) is(o client.Object) bool {
	changed := e.state != follow.Current || !same(e.object, o)
	e.object, e.state, e.err = o, follow.Current, nil
	return changed
}

// sink takes in what the watch of the namespace says.
func (r *room) sink() follow.Sink {
	return follow.Sink{
		Trim: func(o client.Object) client.Object {
			r.store.mu.Lock()
			defer r.store.mu.Unlock()
			if r.entries[o.GetName()] == nil {
				return nil
			}
			return o
		},
		Replace: func(all []client.Object) {
			r.change(func() bool { return r.replace(all) })
		},
		Put:  func(o client.Object) { r.put(o.GetName(), o) },
		Drop: func(o client.Object) { r.put(o.GetName(), nil) },
		Failed: func(s follow.State, err error) {
			r.change(func() bool {
				for _, e := range r.entries {
					if e.state == follow.Unknown {
						e.err = err
					}
				}
				if s == follow.Forbidden && !r.denied {
					r.whole, r.denied = false, true
					r.order()
				}
				return false
			})
		},
	}
}

// replace takes in all that is in the namespace.
func (r *room) replace(all []client.Object) (changed bool) {
	r.whole, r.denied = true, false
	there := make(map[string]client.Object, len(all))
	for _, o := range all {
		there[o.GetName()] = o
	}
	for name, e := range r.entries {
		o := there[name]
		if _, trimmed := o.(*metav1.PartialObjectMetadata); trimmed {
			continue // it became wanted after it had arrived
		}
		e.stop()
		changed = e.is(o) || changed
	}
	r.order()
	return changed
}

// put takes in a change in the namespace: nil for an object that is gone.
func (r *room) put(name string, o client.Object) {
	if _, trimmed := o.(*metav1.PartialObjectMetadata); trimmed {
		return
	}
	r.change(func() bool {
		e := r.entries[name]
		if e == nil {
			return false
		}
		e.stop()
		return e.is(o)
	})
}

// change changes the room, wakes those who wait and tells when it is news.
func (r *room) change(apply func() bool) {
	s := r.store
	s.mu.Lock()
	changed := apply()
	if changed {
		close(s.moved)
		s.moved = make(chan struct{})
	}
	s.mu.Unlock()
	if changed {
		s.changed()
	}
}

// same says whether two versions of an object mean the same.
func same(a, b client.Object) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	switch a := a.(type) {
	case *corev1.Secret:
		b, ok := b.(*corev1.Secret)
		return ok && a.Type == b.Type && maps.EqualFunc(a.Data, b.Data, bytes.Equal)
	case *corev1.ConfigMap:
		b, ok := b.(*corev1.ConfigMap)
		return ok && maps.Equal(a.Data, b.Data) && maps.EqualFunc(a.BinaryData, b.BinaryData, bytes.Equal)
	}
	return reflect.DeepEqual(a, b)
}
