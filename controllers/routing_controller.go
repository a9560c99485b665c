package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy/model"
)

// What is served, and where it is: the objects, their Services, and the endpoints of these.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses,verbs=list;watch
// +kubebuilder:rbac:groups=fairlead.dev,resources=websocketroutes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// To know whether the API server answers.
// +kubebuilder:rbac:urls=/readyz,verbs=get

// mostBuilds bounds how often a table is built before it is published: what an object refers to may
// refer to more, such as an IngressClass to a ConfigMap, and that to a Secret.
const mostBuilds = 4

// world is the one request of the routing controller: look at everything again.
type world struct{}

// routing rebuilds the route table from the whole cluster whenever something has changed. It runs
// in every replica.
type routing struct {
	needs     *needs
	publisher publisher
	status    *status
	options   Options

	next      time.Time // the earliest time of the next publish
	unlocated bool      // the Service whose addresses are published is not there

	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[world] // nil until the controller starts
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
	return c.Watch(source.TypedFunc[world](func(_ context.Context, q workqueue.TypedRateLimitingInterface[world]) error {
		r.mu.Lock()
		r.queue = q
		r.mu.Unlock()
		r.again() // a cluster without any object needs a first table too
		return nil
	}))
}

// again asks to look, such as when a Secret has changed or a name leads elsewhere.
func (r *routing) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queue != nil {
		r.queue.Add(world{})
	}
}

// Reconcile publishes the state of the cluster: the first change at once, what follows together and
// no sooner than the interval after it. In a cluster so large that a publish takes longer than the
// interval, the pause is as long as the publish, which leaves half of one core to others.
func (r *routing) Reconcile(ctx context.Context, _ world) (reconcile.Result, error) {
	began := time.Now()
	if wait := r.next.Sub(began); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if err := r.needs.await(ctx); err != nil {
		return reconcile.Result{}, err
	}
	s, config, report, err := r.build(ctx, began)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.publisher.publish(r.publisher.compile(config, report), report, began)
	r.needs.served()
	r.locate(s)
	r.status.published(report)
	end := time.Now()
	r.next = end.Add(max(r.options.PublishInterval, end.Sub(began)))
	return reconcile.Result{}, nil
}

// build reads and translates until nothing is referred to that was not asked for before: a table that
// is published shall have its certificates.
func (r *routing) build(ctx context.Context, began time.Time) (s *snapshot.Snapshot, config model.Config, report *translate.Report, err error) {
	r.publisher.options.Zone, r.publisher.options.Node = r.needs.place()
	for builds := 1; ; builds++ {
		if s, err = snapshot.Read(ctx, r.needs.sources); err != nil {
			return nil, config, nil, err
		}
		config, report = r.publisher.build(s, began)
		if more := r.needs.want(ctx, report.Wanted); !more || builds == mostBuilds {
			return s, config, report, nil
		}
	}
}

// locate tells the status controller the addresses that are published, and warns once when the Service
// that has them is not there. Those of nodes it finds for itself.
func (r *routing) locate(s *snapshot.Snapshot) {
	if r.options.nodeAddresses() {
		return
	}
	where, found := addresses(s, r.options)
	if !found && !r.unlocated {
		r.options.Log.Warn("the Service whose addresses are published does not exist; objects get no addresses: create it, or correct --publish-service",
			"service", r.options.PublishService)
	}
	r.unlocated = !found
	r.status.located(where)
}
