package controllers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/fairlead/fairlead/controllers/translate"
)

// To agree on which replica writes.
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=fairlead-system,resources=leases,verbs=get;create;update

// The usual times of Kubernetes' own components.
const (
	leaseDuration = 15 * time.Second
	leaseDeadline = 10 * time.Second
	leaseRetry    = 2 * time.Second
)

// LeaseOptions say which Lease the replicas compete for.
type LeaseOptions struct {
	// Namespace of the Lease. "": the namespace of the pod, else default.
	Namespace string
	// Name of the Lease. "": fairlead-leader, with a part of its own for each other controller name than
	// the usual one: replicas that serve different classes must not wait for each other.
	Name string
	// Identity of this replica. "": the host name and a random part.
	Identity string
}

// leader takes part in the election among the replicas. It is not the election of controller-runtime,
// which ends the process of a leader that loses its lease: when the API server is away for ten
// seconds that would cut every socket (docs/adr/0002-leader-election-without-exit.md).
type leader struct {
	config leaderelection.LeaderElectionConfig
	log    *slog.Logger
	since  atomic.Pointer[time.Time] // nil while another leads
	gained func()                    // called whenever this replica begins to lead
	// leaving is called in the leader when it is to end, before it gives the Lease back.
	leaving func(context.Context)
}

func newLeader(clients kubernetes.Interface, controller string, o LeaseOptions, log *slog.Logger) (*leader, error) {
	o.Namespace = o.namespace()
	o.Name = cmp.Or(o.Name, nameFor(controller, "fairlead-leader"))
	if o.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("identity for the leader election: %w", err)
		}
		o.Identity = host + "_" + string(uuid.NewUUID())
	}
	l := &leader{log: log}
	l.config = leaderelection.LeaderElectionConfig{
		Name: o.Name,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name},
			Client:     clients.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: o.Identity},
		},
		LeaseDuration: leaseDuration, RenewDeadline: leaseDeadline, RetryPeriod: leaseRetry,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: l.begin,
			OnStoppedLeading: l.end,
			OnNewLeader:      func(string) {},
		},
	}
	// The same checks as in Start, so that a mistake is told before anything runs.
	if _, err := leaderelection.NewLeaderElector(l.config); err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	return l, nil
}

// nameFor returns the name of the object that the replicas of one controller name share: usual for the
// usual controller name. One may have letters and a length that the name of an object may not, so its
// hash stands for it.
func nameFor(controller, usual string) string {
	if controller == "" || controller == translate.DefaultControllerName {
		return usual
	}
	sum := sha256.Sum256([]byte(controller))
	return usual + "-" + hex.EncodeToString(sum[:4])
}

// namespace returns where the Lease is.
func (o LeaseOptions) namespace() string {
	return cmp.Or(o.Namespace, podNamespace(), metav1.NamespaceDefault)
}

// podNamespace returns the namespace of the pod that this process runs in, "" outside of a cluster.
func podNamespace() string {
	b, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Start competes for the Lease until ctx is done and gives it back then. A lease that is lost is
// competed for again.
func (l *leader) Start(ctx context.Context) error {
	campaign, concede := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), quiet(l.log)))
	defer concede()
	go func() {
		<-ctx.Done()
		if _, leads := l.leading(); leads && l.leaving != nil {
			bounded, cancel := context.WithTimeout(campaign, farewellTime)
			defer cancel()
			l.leaving(bounded)
		}
		concede()
	}()
	for ctx.Err() == nil {
		elector, err := leaderelection.NewLeaderElector(l.config)
		if err != nil {
			return err
		}
		elector.Run(campaign)
	}
	return nil
}

// NeedLeaderElection keeps the manager from waiting for its own election, which is off.
func (l *leader) NeedLeaderElection() bool { return false }

// leading returns since when this replica leads.
func (l *leader) leading() (since time.Time, ok bool) {
	t := l.since.Load()
	if t == nil {
		return time.Time{}, false
	}
	return *t, true
}

// begin runs beside the election, so that the lease may be lost again before its first line.
func (l *leader) begin(term context.Context) {
	now := time.Now()
	l.since.Store(&now)
	if term.Err() != nil {
		l.since.CompareAndSwap(&now, nil)
		return
	}
	l.log.Info("this replica leads: it writes status and events", "lease", l.config.Lock.Describe())
	l.gained()
}

// end is also called for an election that was never won.
func (l *leader) end() {
	if l.since.Swap(nil) != nil {
		l.log.Info("this replica leads no more; it serves as before", "lease", l.config.Lock.Describe())
	}
}
