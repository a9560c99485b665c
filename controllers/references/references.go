package references

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/controllers/follow"
	"github.com/fairlead/fairlead/controllers/snapshot"
)

// kind is a kind that objects refer to.
type kind struct {
	name, resource string
	set            follow.Set
}

var (
	secrets = &kind{"Secret", "secrets", follow.Set{
		NewList: func() client.ObjectList { return &corev1.SecretList{} }, Example: &corev1.Secret{},
		// Most of the bytes in a namespace's Secrets are Helm's history. Nobody refers to it.
		Fields: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1"),
	}}
	configMaps = &kind{"ConfigMap", "configmaps", follow.Set{
		NewList: func() client.ObjectList { return &corev1.ConfigMapList{} }, Example: &corev1.ConfigMap{},
	}}
)

// place is one kind in one namespace.
type place struct {
	kind      *kind
	namespace string
}

// Store holds what is wanted.
type Store struct {
	client  client.WithWatch
	changed func()

	asked chan struct{} // something is wanted, or not any more

	mu     sync.Mutex
	rooms  map[place]*room
	moved  chan struct{} // closed when an entry becomes known
	starts []*room       // that Start has not begun to follow
}

// New returns a Store that wants nothing. changed is called after every change of what is wanted, or of
// whether it may be read, and must not block. Start lets it work.
func New(c client.WithWatch, changed func()) *Store {
	return &Store{client: c, changed: changed, asked: make(chan struct{}, 1), rooms: map[place]*room{}, moved: make(chan struct{})}
}

// Start watches what is wanted until ctx is done.
func (s *Store) Start(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		s.mu.Lock()
		starts := s.starts
		s.starts = nil
		s.mu.Unlock()
		for _, r := range starts {
			wg.Go(func() { r.run(ctx) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.asked:
		}
	}
}

// NeedLeaderElection says that every replica serves, and needs its certificates.
func (s *Store) NeedLeaderElection() bool { return false }

// Want says what is wanted from now on, and returns whether any of it was not before. Watches that
// nobody wants any more end, and what they held is forgotten.
func (s *Store) Want(wantedSecrets, wantedConfigMaps []types.NamespacedName) (more bool) {
	wanted := map[place]map[string]bool{}
	for k, list := range map[*kind][]types.NamespacedName{secrets: wantedSecrets, configMaps: wantedConfigMaps} {
		for _, n := range list {
			at := place{k, n.Namespace}
			if wanted[at] == nil {
				wanted[at] = map[string]bool{}
			}
			wanted[at][n.Name] = true
		}
	}
	s.mu.Lock()
	for at, r := range s.rooms {
		if len(wanted[at]) == 0 {
			r.close()
			delete(s.rooms, at)
		}
	}
	for at, names := range wanted {
		r := s.rooms[at]
		if r == nil {
			r = newRoom(s, at)
			s.rooms[at] = r
			s.starts = append(s.starts, r)
		}
		more = r.want(names) || more
	}
	s.mu.Unlock()
	select {
	case s.asked <- struct{}{}:
	default:
	}
	return more
}

// Await returns when it is known of everything that is wanted what it holds, or that it must not be
// read, and at the latest when ctx is done.
func (s *Store) Await(ctx context.Context) {
	for {
		s.mu.Lock()
		moved, open := s.moved, false
		for _, r := range s.rooms {
			open = open || r.open()
		}
		s.mu.Unlock()
		if !open {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		}
	}
}

// Read returns what is wanted, as far as it is known, and why the rest is not. Nobody may change the
// objects.
func (s *Store) Read() snapshot.References {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs := snapshot.References{Unreadable: map[types.NamespacedName]string{}}
	for at, r := range s.rooms {
		for name, e := range r.entries {
			key := types.NamespacedName{Namespace: at.namespace, Name: name}
			switch o := e.object.(type) {
			case *corev1.Secret:
				refs.Secrets = append(refs.Secrets, o)
			case *corev1.ConfigMap:
				refs.ConfigMaps = append(refs.ConfigMaps, o)
			}
			if why := r.why(name, e); why != "" {
				refs.Unreadable[key] = strings.TrimPrefix(refs.Unreadable[key]+"; "+why, "; ")
			}
		}
	}
	return refs
}

// why says why an entry is not known, in words that can follow "Secret a/b can't be read:"; "": it is.
func (r *room) why(name string, e *entry) string {
	switch {
	case e.state == follow.Forbidden:
		return fmt.Sprintf("it is forbidden to %s, which tries again: let a Role in namespace %s allow list and watch of %s, with resourceNames [%s] or without, and bind it to that user",
			userIn(e.err), r.at.namespace, r.at.kind.resource, name)
	case e.state == follow.Unknown && e.err != nil:
		return fmt.Sprintf("it could not be read yet, which is tried again: %v", e.err)
	case e.state == follow.Unknown:
		return "the API server has not answered yet"
	}
	return ""
}

// userIn finds out who was forbidden something: the API server says so, and Kubernetes gives its
// clients no other way to know who they are.
func userIn(err error) string {
	_, rest, found := strings.Cut(err.Error(), `User "`)
	user, _, ended := strings.Cut(rest, `"`)
	if !found || !ended {
		return "this replica (" + err.Error() + ")"
	}
	return user
}
