package cluster

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// podStore holds the pods of all namespaces as a reflector keeps them, and queues the key of each that changes.
//
// It is a store of a reflector and not an informer because an informer pauses for up to a minute when the API server was away a few
// times, which tests do to it.
type podStore struct {
	cache.Store
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
	complete chan struct{} // closed when it holds all pods for the first time
	first    sync.Once
}

func newPodStore(queue workqueue.TypedRateLimitingInterface[types.NamespacedName]) *podStore {
	return &podStore{Store: cache.NewStore(cache.MetaNamespaceKeyFunc), queue: queue, complete: make(chan struct{})}
}

// watch keeps the store equal to what the API server has, until ctx is done.
func (s *podStore) watch(ctx context.Context, clients kubernetes.Interface) {
	pods := cache.NewListWatchFromClient(clients.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, fields.Everything())
	cache.NewReflectorWithOptions(pods, &corev1.Pod{}, s, cache.ReflectorOptions{
		Name:    NodeName,
		Backoff: &wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Steps: 5, Cap: time.Second},
	}).RunWithContext(ctx)
}

// get returns a pod, or nil when there is none of that name.
func (s *podStore) get(key types.NamespacedName) (*corev1.Pod, error) {
	object, exists, err := s.GetByKey(key.String())
	if err != nil || !exists {
		return nil, err
	}
	return object.(*corev1.Pod), nil
}

// Add is called by the reflector.
func (s *podStore) Add(object any) error { return s.note(s.Store.Add(object), object) }

// Update is called by the reflector.
func (s *podStore) Update(object any) error { return s.note(s.Store.Update(object), object) }

// Delete is called by the reflector.
func (s *podStore) Delete(object any) error { return s.note(s.Store.Delete(object), object) }

// Replace is called by the reflector at the beginning, and when it has lost the thread: what has gone meanwhile is
// queued too.
func (s *podStore) Replace(objects []any, version string) error {
	before := s.List()
	if err := s.Store.Replace(objects, version); err != nil {
		return err
	}
	for _, object := range append(before, objects...) {
		if err := s.note(nil, object); err != nil {
			return err
		}
	}
	s.first.Do(func() { close(s.complete) })
	return nil
}

func (s *podStore) note(err error, object any) error {
	if p, ok := object.(*corev1.Pod); ok && err == nil {
		s.queue.Add(podName(p))
	}
	return err
}
