package controllers

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/translate"
)

// To tell owners what became of their objects. The objects themselves are never written.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses/status,verbs=patch
// +kubebuilder:rbac:groups=fairlead.dev,resources=websocketroutes/status,verbs=patch

const (
	kindIngress = "Ingress"
	kindRoute   = "WebSocketRoute"

	conflictPause = 100 * time.Millisecond // until the cache has what somebody else wrote
	// rewritePause is how long a status stays that somebody else wrote over ours. Without it two
	// controllers that serve the same class would write hundreds of times a second.
	rewritePause = 10 * time.Second
)

// objectKey is a request of the status controller: one object that a report tells of.
type objectKey struct{ Kind, Namespace, Name string }

// keyOf returns the request for the object that a report tells of.
func keyOf(r translate.ObjectRef) objectKey { return objectKey{r.Kind, r.Namespace, r.Name} }

// status tells the owners of objects what became of them: conditions, addresses and Events. It runs
// in every replica and writes in the leader only.
type status struct {
	client    client.Client
	events    *teller
	leader    *leader
	addressed bool // there are addresses to write, so that those of Ingresses are ours
	silent    bool // nothing is written; Events are sent all the same
	log       *slog.Logger

	written   map[objectKey]written // of the worker alone
	contested bool                  // somebody else writes too, and that was told

	mu        sync.Mutex
	queue     workqueue.TypedRateLimitingInterface[objectKey] // nil until the controller starts
	reports   map[objectKey]translate.ObjectReport            // of the table in force
	addresses whereabouts
	leaving   bool // nothing is written any more
}

// whereabouts are the addresses of this controller, if they are known yet: those that a replica before
// this one has written stay until then.
type whereabouts struct {
	list  []v1alpha1.Address
	known bool
}

// written is what was last written about an object.
type written struct {
	report    translate.ObjectReport
	addresses whereabouts
	at        time.Time
}

func newStatus(mgr manager.Manager, l *leader, o Options) *status {
	return &status{
		client: mgr.GetClient(), events: newTeller(mgr.GetEventRecorder(reporter)), leader: l,
		addressed: o.PublishService.Name != "" || len(o.PublishAddresses) > 0 || o.nodeAddresses(), silent: o.NoStatusUpdate, log: o.Log,
		written: map[objectKey]written{},
	}
}

// setup watches the objects too, so that a status that somebody else has overwritten is put right.
func (s *status) setup(mgr manager.Manager) error {
	c, err := controller.NewTyped("status", mgr, controller.TypedOptions[objectKey]{
		Reconciler:  s,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[objectKey](10*time.Millisecond, 30*time.Second),
	})
	if err != nil {
		return err
	}
	err = c.Watch(source.TypedFunc[objectKey](func(_ context.Context, q workqueue.TypedRateLimitingInterface[objectKey]) error {
		s.mu.Lock()
		s.queue = q
		s.mu.Unlock()
		s.again()
		return nil
	}))
	if err != nil {
		return err
	}
	if err := c.Watch(source.TypedKind(mgr.GetCache(), &networkingv1.Ingress{}, mapTo[*networkingv1.Ingress](kindIngress))); err != nil {
		return err
	}
	return c.Watch(source.TypedKind(mgr.GetCache(), &v1alpha1.WebSocketRoute{}, mapTo[*v1alpha1.WebSocketRoute](kindRoute)))
}

func mapTo[T client.Object](kind string) handler.TypedEventHandler[T, objectKey] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, o T) []objectKey {
		return []objectKey{{kind, o.GetNamespace(), o.GetName()}}
	})
}

// published takes note of a report, after the table that it tells of is in force: nothing is written
// about a table that serves nobody yet.
func (s *status) published(report *translate.Report) {
	reports := make(map[objectKey]translate.ObjectReport, len(report.Objects))
	for _, r := range report.Objects {
		reports[keyOf(r.Object)] = r
	}
	s.mu.Lock()
	before := s.reports
	s.reports = reports
	queue := s.queue
	s.mu.Unlock()
	if queue == nil {
		return // setup asks for all when the controller starts
	}
	for key, r := range reports {
		if old, known := before[key]; !known || !reflect.DeepEqual(old, r) {
			queue.Add(key)
		}
	}
	for key := range before {
		if _, still := reports[key]; !still {
			queue.Add(key) // so that it is forgotten
		}
	}
}

// located takes note of where clients reach this controller.
func (s *status) located(addresses []v1alpha1.Address) {
	s.mu.Lock()
	now := whereabouts{addresses, true}
	moved := !now.equal(s.addresses)
	s.addresses = now
	s.mu.Unlock()
	if moved {
		s.again()
	}
}

func (w whereabouts) equal(o whereabouts) bool {
	return w.known == o.known && slices.Equal(w.list, o.list)
}

// again asks for every object, such as when this replica begins to lead.
func (s *status) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		return
	}
	for key := range s.reports {
		s.queue.Add(key)
	}
}

// report returns what is known of an object, and the addresses.
func (s *status) report(key objectKey) (translate.ObjectReport, whereabouts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.reports[key]
	return r, s.addresses, ok && !s.leaving
}

// Reconcile writes the status of one object if it differs, and tells its owner by Events.
func (s *status) Reconcile(ctx context.Context, key objectKey) (reconcile.Result, error) {
	r, addresses, ours := s.report(key)
	since, leads := s.leader.leading()
	if !ours || !leads { // not ours: deleted, or of another class now, so that its status is another's
		s.events.forget(key)
		delete(s.written, key)
		return reconcile.Result{}, nil
	}
	object, err := s.get(ctx, key)
	if err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if object.GetUID() != r.Object.UID || object.GetGeneration() != r.Object.Generation {
		return reconcile.Result{}, nil // the report of what it is now is on its way, and brings us back
	}

	before := servedBefore(object)
	wanted := s.wanted(object, r, addresses)
	wrote := !s.silent && !sameStatus(object, wanted)
	if wrote {
		if pause := s.pause(key, r, addresses); pause > 0 {
			return reconcile.Result{RequeueAfter: pause}, nil
		}
		err := s.write(ctx, object, wanted)
		switch {
		case apierrors.IsConflict(err):
			return reconcile.Result{RequeueAfter: conflictPause}, nil
		case apierrors.IsNotFound(err):
			return reconcile.Result{}, nil
		case err != nil:
			return reconcile.Result{}, err
		}
		s.written[key] = written{r, addresses, time.Now()}
	}
	// Whether somebody was told already can be seen where the status tells: it is as it should be, or
	// says that the object was served. An Ingress without addresses shows nothing; there its age decides.
	known := history{toldProblems: !wrote && key.Kind == kindRoute, toldServed: before}
	if key.Kind == kindIngress && !s.addressed {
		known.toldServed = object.GetCreationTimestamp().Time.Before(since)
	}
	s.events.tell(object, key, r, known)
	return reconcile.Result{}, nil
}

// get reads the object from the cache. It must not be changed.
func (s *status) get(ctx context.Context, key objectKey) (client.Object, error) {
	var o client.Object = &networkingv1.Ingress{}
	if key.Kind == kindRoute {
		o = &v1alpha1.WebSocketRoute{}
	}
	return o, s.client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, o)
}

// wanted returns the object with the status that the report wants it to have.
func (s *status) wanted(object client.Object, r translate.ObjectReport, addresses whereabouts) client.Object {
	if r.Routes == 0 {
		addresses = whereabouts{known: true}
	}
	changed := object.DeepCopyObject().(client.Object)
	switch o := changed.(type) {
	case *networkingv1.Ingress:
		if s.addressed && addresses.known {
			o.Status.LoadBalancer.Ingress = loadBalancer(addresses.list)
		}
	case *v1alpha1.WebSocketRoute:
		setConditions(&o.Status.Conditions, r)
		if addresses.known {
			o.Status.Addresses = addresses.list
		}
	}
	return changed
}

// pause returns how long to wait before the same is written about an object as the last time.
func (s *status) pause(key objectKey, r translate.ObjectReport, addresses whereabouts) time.Duration {
	last, known := s.written[key]
	if !known || !reflect.DeepEqual(last.report, r) || !last.addresses.equal(addresses) {
		return 0
	}
	wait := time.Until(last.at.Add(rewritePause))
	if wait <= 0 && !s.contested {
		s.contested = true
		s.log.Warn("somebody else overwrites the status of our objects; if it is another controller for the same class, give one of them another --controller-name and class",
			"object", r.Object.String())
	}
	return wait
}

// write patches the status. The patch carries the version that was read, for it replaces lists as a
// whole.
func (s *status) write(ctx context.Context, object, wanted client.Object) error {
	patch := client.MergeFromWithOptions(object, client.MergeFromWithOptimisticLock{})
	return s.client.Status().Patch(ctx, wanted, patch, client.FieldOwner(fieldOwner))
}

// leave ends all writing and returns the objects in whose status addresses of ours stand.
func (s *status) leave() []objectKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving = true
	if !s.addressed || !s.addresses.known || len(s.addresses.list) == 0 {
		return nil
	}
	var keys []objectKey
	for key, r := range s.reports {
		if r.Routes > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}
