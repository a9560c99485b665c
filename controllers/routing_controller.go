package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fairlead/fairlead/controllers/snapshot"
)

// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;ingressclasses,verbs=list;watch
// +kubebuilder:rbac:groups=fairlead.dev,resources=websocketroutes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services;secrets,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch
// +kubebuilder:rbac:urls=/readyz,verbs=get

// world is the one request of the routing controller: look at everything again.
type world struct{}

// routing rebuilds the route table from the whole cluster whenever something has changed. It runs
// in every replica.
type routing struct {
	reader    client.Reader
	publisher publisher
	status    *status
	options   Options

	next      time.Time // the earliest time of the next publish
	unlocated bool      // the Service whose addresses are published is not there
}

// setup watches everything that can change the table. The workers start when all caches are filled,
// so that the first table is complete.
func (r *routing) setup(mgr manager.Manager) error {
	c, err := controller.NewTyped("routing", mgr, controller.TypedOptions[world]{
		Reconciler:  r,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[world](5*time.Millisecond, 5*time.Second),
	})
	if err != nil {
		return err
	}
	if err := watchAll(mgr, c, r.options.PublishService); err != nil {
		return err
	}
	// A cluster without any object needs a first table too.
	return c.Watch(source.TypedFunc[world](func(_ context.Context, q workqueue.TypedRateLimitingInterface[world]) error {
		q.Add(world{})
		return nil
	}))
}

// Reconcile publishes the state of the cluster: the first change at once, what follows together and
// no sooner than the interval after it. In a cluster so large that a publish takes longer than the
// interval, the pause is as long as the publish, which leaves half of one core to others.
func (r *routing) Reconcile(ctx context.Context, _ world) (reconcile.Result, error) {
	began := time.Now()
	if wait := r.next.Sub(began); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	s, err := snapshot.Read(ctx, r.reader)
	if err != nil {
		return reconcile.Result{}, err
	}
	report := r.publisher.publish(s, began)
	where, found := addresses(s, r.options)
	r.locate(found)
	r.status.published(report, where)
	end := time.Now()
	r.next = end.Add(max(r.options.PublishInterval, end.Sub(began)))
	return reconcile.Result{}, nil
}

// locate warns once when the Service whose addresses are published is not there.
func (r *routing) locate(found bool) {
	if !found && !r.unlocated {
		r.options.Log.Warn("the Service whose addresses are published does not exist; objects get no addresses: create it, or correct --publish-service",
			"service", r.options.PublishService)
	}
	r.unlocated = !found
}
