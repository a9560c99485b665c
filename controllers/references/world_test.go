package references

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// api is an API server that knows Secrets and ConfigMaps, and keeps account of who watches them.
type api struct {
	client.WithWatch // nothing else is asked for

	mu      sync.Mutex
	version int
	secrets map[types.NamespacedName]*corev1.Secret
	watches map[*watching]bool
	lists   int
	forbids func(namespace, name string) bool
	hangs   bool
}

// watching is one watch: of a namespace, or of a name in it.
type watching struct {
	*watch.RaceFreeFakeWatcher
	namespace, name string
	end             func()
}

// Stop ends the watch.
func (w *watching) Stop() {
	w.end()
	w.RaceFreeFakeWatcher.Stop()
}

func newAPI() *api {
	return &api{secrets: map[types.NamespacedName]*corev1.Secret{}, watches: map[*watching]bool{}, forbids: func(string, string) bool { return false }}
}

func (a *api) asked(ctx context.Context, opts []client.ListOption) (o client.ListOptions, name string, err error) {
	o.ApplyOptions(opts)
	if o.FieldSelector != nil {
		name, _ = o.FieldSelector.RequiresExactMatch(metav1.ObjectNameField)
	}
	a.mu.Lock()
	hangs, forbidden := a.hangs, a.forbids(o.Namespace, name)
	a.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return o, name, ctx.Err()
	}
	if forbidden {
		err = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, name, errors.New(`User "reader" cannot list`))
	}
	return o, name, err
}

// List answers with the Secrets of a namespace, or the one of a name.
func (a *api) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	o, name, err := a.asked(ctx, opts)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lists++
	list.SetResourceVersion(strconv.Itoa(a.version))
	if secrets, ok := list.(*corev1.SecretList); ok {
		for key, s := range a.secrets {
			if key.Namespace == o.Namespace && (name == "" || key.Name == name) {
				secrets.Items = append(secrets.Items, *s.DeepCopy())
			}
		}
	}
	return nil
}

// Watch begins a watch. It does not stream what is there before, as older API servers don't.
func (a *api) Watch(ctx context.Context, _ client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
	o, name, err := a.asked(ctx, opts)
	if err != nil {
		return nil, err
	}
	if o.Raw.SendInitialEvents != nil {
		return nil, apierrors.NewBadRequest("not known here")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := &watching{RaceFreeFakeWatcher: watch.NewRaceFreeFake(), namespace: o.Namespace, name: name}
	w.end = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.watches, w)
	}
	a.watches[w] = true
	return w, nil
}

// put writes a Secret and tells those who watch it.
func (a *api) put(name, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	key := keyOf(name)
	_, known := a.secrets[key]
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, ResourceVersion: strconv.Itoa(a.version)},
		Data: map[string][]byte{"value": []byte(value)}}
	a.secrets[key] = s
	for w := range a.watches {
		switch {
		case w.namespace != key.Namespace || w.name != "" && w.name != key.Name:
		case known:
			w.Modify(s.DeepCopy())
		default:
			w.Add(s.DeepCopy())
		}
	}
}

// expire ends all watches, as an API server does now and then.
func (a *api) expire() {
	a.mu.Lock()
	all := make([]*watching, 0, len(a.watches))
	for w := range a.watches {
		all = append(all, w)
	}
	a.mu.Unlock()
	for _, w := range all {
		w.Error(&apierrors.NewResourceExpired("too old").ErrStatus)
	}
}

func (a *api) allow(forbids func(namespace, name string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forbids = forbids
}

// watched returns what is watched: namespace/* or namespace/name.
func (a *api) watched() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for w := range a.watches {
		name := w.name
		if name == "" {
			name = "*"
		}
		list = append(list, w.namespace+"/"+name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func keyOf(name string) types.NamespacedName {
	namespace, name, _ := strings.Cut(name, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// world is a Store over an api, in a bubble of time.
type world struct {
	*Store
	t   *testing.T
	api *api

	mu      sync.Mutex
	changes int
}

func story(t *testing.T, tell func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, api: newAPI()}
		w.Store = New(w.api, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes++
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Start(ctx) }()
		tell(w)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// want wants Secrets and waits for them.
func (w *world) want(names ...string) {
	keys := make([]types.NamespacedName, len(names))
	for i, n := range names {
		keys[i] = keyOf(n)
	}
	w.Want(keys, nil)
	w.Await(w.t.Context())
	synctest.Wait()
}

// holds returns what is known, as namespace/name=value.
func (w *world) holds() string {
	var list []string
	for _, s := range w.Read().Secrets {
		list = append(list, s.Namespace+"/"+s.Name+"="+string(s.Data["value"]))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (w *world) expect(holds, watched string) {
	w.t.Helper()
	synctest.Wait()
	if got := w.holds(); got != holds {
		w.t.Errorf("it holds %q, want %q", got, holds)
	}
	if got := w.api.watched(); got != watched {
		w.t.Errorf("it watches %q, want %q", got, watched)
	}
}
