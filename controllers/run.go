package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/names"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy"
)

// DefaultPublishInterval is how long after a publish the next one waits, to take what changes
// meanwhile along with it.
const DefaultPublishInterval = 100 * time.Millisecond

// Options say what is served and what is told to whom.
type Options struct {
	Translate translate.Options
	// PublishInterval is the least time between the end of a publish and the next one. 0:
	// DefaultPublishInterval.
	PublishInterval time.Duration
	// PublishService is the Service whose addresses are written into the status of objects. Empty:
	// PublishAddresses.
	PublishService types.NamespacedName
	// PublishAddresses are IP addresses and DNS names for the status of objects. None, and no
	// PublishService: the addresses of the nodes that run the replicas, if Pod is known; else none are
	// written.
	PublishAddresses []string
	// InternalAddresses takes the internal addresses of nodes also where there are external ones.
	InternalAddresses bool
	// NoStatusUpdate writes no status. Events are sent all the same.
	NoStatusUpdate bool
	// KeepStatus leaves the addresses in the status of objects when the last replica ends.
	KeepStatus bool
	// Pod is this replica's own, and Node the Node it runs on; empty: not known, as outside of a cluster.
	Pod   types.NamespacedName
	Node  string
	Watch WatchOptions
	// Lookup resolves the names of Services of type ExternalName. nil: the machine's resolver.
	Lookup names.Lookup
	Lease  LeaseOptions
	// TicketSecret is the name of the Secret, in the namespace of the Lease, in which the replicas
	// share the keys of TLS session tickets. "": fairlead-tickets, with a part of its own for each
	// other controller name than the usual one, as the Lease has.
	TicketSecret string
	Log          *slog.Logger // nil: slog.Default
}

// nodeAddresses says whether the addresses of the nodes are written, for there are no others.
func (o Options) nodeAddresses() bool {
	return o.PublishService.Name == "" && len(o.PublishAddresses) == 0 && o.Pod.Name != ""
}

// ticketSecret names the Secret that holds the keys of session tickets.
func (o Options) ticketSecret() types.NamespacedName {
	name := cmp.Or(o.TicketSecret, nameFor(o.Translate.ControllerName, "fairlead-tickets"))
	return types.NamespacedName{Namespace: o.Lease.namespace(), Name: name}
}

// scheme knows the kinds that are read and written.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	utilruntime.Must(gatewayv1beta1.Install(s))
	return s
}()

// Run keeps server's table equal to what the cluster at cfg wants, and the status of its objects to
// what is served, until ctx is done. It waits for an API server that is not there yet, and outlives
// one that goes away. An error means that it could not be set up.
func Run(ctx context.Context, cfg *rest.Config, server *proxy.Server, o Options) error {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.PublishInterval <= 0 {
		o.PublishInterval = DefaultPublishInterval
	}
	cfg = rest.CopyConfig(cfg)
	if cfg.QPS == 0 {
		cfg.QPS, cfg.Burst = 100, 200 // statuses of a large cluster; the API server has its own limits
	}
	// A request of these that hangs must not take longer than the lease lasts.
	impatient := rest.CopyConfig(cfg)
	impatient.Timeout = leaseDeadline / 2
	clients, err := kubernetes.NewForConfig(impatient)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	probe := &probe{clients: clients, tell: server.ControlPlane, log: o.Log}
	go probe.watch(ctx)
	if err := probe.await(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil // stopped while waiting
	}
	return runAll(ctx, cfg, clients, server, o)
}

// runAll runs the controllers and the election until ctx is done.
func runAll(ctx context.Context, cfg *rest.Config, clients kubernetes.Interface, server *proxy.Server, o Options) error {
	mgr, err := newManager(cfg, o)
	if err != nil {
		return fmt.Errorf("setting up the controllers: %w", err)
	}
	leader, err := newLeader(clients, o.Translate.ControllerName, o.Lease, o.Log)
	if err != nil {
		return err
	}
	direct, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme, Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	status := newStatus(mgr, leader, o)
	if err := status.setup(mgr); err != nil {
		return fmt.Errorf("setting up the status controller: %w", err)
	}
	routing := &routing{
		status: status, options: o,
		publisher: publisher{server: server, options: o.Translate, log: o.Log},
	}
	routing.needs = newNeeds(mgr, direct, o, routing.again)
	if err := errors.Join(routing.needs.setup(mgr), routing.setup(mgr)); err != nil {
		return fmt.Errorf("setting up the routing controller: %w", err)
	}
	replicas := newReplicas(direct, status, leader, o)
	tickets := &tickets{secret: o.ticketSecret(), leader: leader, use: server.SetTicketKeys, log: o.Log}
	if err := tickets.setup(mgr, cfg); err != nil {
		return fmt.Errorf("setting up the keys of session tickets: %w", err)
	}
	leader.gained = func() {
		replicas.again()
		status.again()
		tickets.again()
	}
	leader.leaving = replicas.leave
	if err := errors.Join(mgr.Add(replicas), mgr.Add(leader)); err != nil {
		return fmt.Errorf("setting up the leader election: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("controllers: %w", err)
	}
	return nil
}

// newManager returns a manager that outlives the API server and holds no more than is needed.
func newManager(cfg *rest.Config, o Options) (manager.Manager, error) {
	again := true
	return manager.New(cfg, manager.Options{
		Scheme:  scheme,
		Logger:  quiet(o.Log),
		Metrics: metricsserver.Options{BindAddress: "0"}, // the admin address serves them
		Cache:   o.caches(),
		Controller: config.Controller{
			// The default, two minutes, ends the process if the API server goes away before the
			// caches are filled.
			CacheSyncTimeout:   365 * 24 * time.Hour,
			SkipNameValidation: &again, // a process may run several, as tests do
		},
	})
}
