package controllers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/controllers/follow"
	"github.com/fairlead/fairlead/controllers/names"
	"github.com/fairlead/fairlead/controllers/references"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// Which classes are ours, and which one is the default. Without it those of --ingress-class are ours.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingressclasses,verbs=list;watch

// What objects refer to: certificates, passwords, certificate authorities, settings. Nothing else is
// kept. To allow it in some namespaces only, or for some names, leave this rule out (rbac.readSecrets of
// the chart) and write Roles.
// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=list;watch

// Which references to other namespaces their owners permit. Without it none is.
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=referencegrants,verbs=list;watch

// Which namespaces are served, by their labels: with --watch-namespace-selector only.
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch

const (
	// patience is how long a change waits for what it refers to, before it is published without.
	patience = 2 * time.Second
	// firstPatience is how long the first table waits. It may take longer: nobody is served before, and
	// another replica serves meanwhile.
	firstPatience = 30 * time.Second
	// absentPause is how often it is looked whether a kind has been installed.
	absentPause = time.Minute
)

// needs is what a snapshot needs besides the informer caches: what may be forbidden, is not installed in
// every cluster, or is known only when the objects have been read.
type needs struct {
	sources    snapshot.Sources
	references *references.Store
	names      *names.Store
	classes    *follow.Collection[*networkingv1.IngressClass]
	grants     *follow.Collection[*gatewayv1beta1.ReferenceGrant]
	namespaces *follow.Collection[*corev1.Namespace] // nil: all count
	topology   *topology
	selector   labels.Selector
	log        *slog.Logger

	begun bool            // a table was published
	told  map[string]bool // of what was warned
}

// newNeeds returns the needs of a snapshot. changed is called when any of them has changed.
func newNeeds(mgr manager.Manager, c client.WithWatch, o Options, changed func()) *needs {
	n := &needs{
		references: references.New(c, changed),
		names:      names.New(o.Lookup, changed),
		classes: follow.NewCollection(c, follow.Set{
			NewList: func() client.ObjectList { return &networkingv1.IngressClassList{} }, Example: &networkingv1.IngressClass{},
		}, nil, specChanged[*networkingv1.IngressClass], changed),
		grants: follow.NewCollection(c, follow.Set{
			NewList: func() client.ObjectList { return &gatewayv1beta1.ReferenceGrantList{} }, Example: &gatewayv1beta1.ReferenceGrant{},
			LongestPause: absentPause,
		}, o.Watch.Namespaces, specChanged[*gatewayv1beta1.ReferenceGrant], changed),
		topology: newTopology(mgr.GetAPIReader(), o, changed),
		log:      o.Log, told: map[string]bool{},
	}
	n.sources = snapshot.Sources{
		Objects: mgr.GetClient(), Classes: n.knownClasses, Grants: n.grants.All, References: n.references.Read, Names: n.names.Read,
	}
	if o.Watch.NamespaceSelector != nil {
		n.selector = o.Watch.NamespaceSelector
		n.namespaces = follow.NewCollection(c, follow.Set{
			NewList: func() client.ObjectList { return &corev1.NamespaceList{} }, Example: &corev1.Namespace{},
		}, nil, n.selectionChanged, changed)
	}
	return n
}

// setup lets the manager run everything.
func (n *needs) setup(mgr manager.Manager) error {
	runnables := []manager.Runnable{n.references, n.names, n.classes, n.grants, n.topology}
	if n.namespaces != nil {
		runnables = append(runnables, n.namespaces)
	}
	for _, r := range runnables {
		if err := mgr.Add(r); err != nil {
			return err
		}
	}
	return nil
}

// knownClasses returns the classes, and whether they are all that there are.
func (n *needs) knownClasses() (known []*networkingv1.IngressClass, all bool) {
	state, _ := n.classes.State()
	return n.classes.All(), state == follow.Current
}

// selectionChanged says whether a namespace is selected that was not, or the other way round.
func (n *needs) selectionChanged(before, after *corev1.Namespace) bool {
	return n.selector.Matches(labels.Set(before.Labels)) != n.selector.Matches(labels.Set(after.Labels))
}

// await returns when it is known which objects are ours to serve. What may be missing at the first
// table is waited for too, within bounds; what must not be read is told, once.
func (n *needs) await(ctx context.Context) error {
	if !n.begun {
		bounded, cancel := context.WithTimeout(ctx, firstPatience)
		defer cancel()
		for _, settled := range []<-chan struct{}{n.classes.Settled(), n.grants.Settled(), n.topology.settled} {
			select {
			case <-bounded.Done():
			case <-settled:
			}
		}
		if state, err := n.classes.State(); state == follow.Unknown {
			return fmt.Errorf("IngressClasses are not known yet: %w", unanswered(err))
		}
	}
	if state, err := n.classes.State(); state == follow.Forbidden {
		n.warn("IngressClasses must not be read: only the class that --ingress-class names is served, and none is the default one; let a ClusterRole allow list and watch of ingressclasses", err)
	}
	if state, err := n.grants.State(); state == follow.Forbidden {
		n.warn("ReferenceGrants must not be read: no reference to another namespace is permitted; let a ClusterRole allow list and watch of referencegrants", err)
	}
	return n.selectNamespaces(ctx)
}

// selectNamespaces finds out which namespaces count.
func (n *needs) selectNamespaces(ctx context.Context) error {
	if n.namespaces == nil {
		return nil
	}
	if !n.begun {
		bounded, cancel := context.WithTimeout(ctx, firstPatience)
		defer cancel()
		select {
		case <-bounded.Done():
		case <-n.namespaces.Settled():
		}
		if state, err := n.namespaces.State(); state != follow.Current {
			return fmt.Errorf("namespaces are not known, so that --watch-namespace-selector can't be followed: let a ClusterRole allow list and watch of namespaces: %w", unanswered(err))
		}
	}
	count := map[string]bool{}
	for _, o := range n.namespaces.All() {
		count[o.Name] = n.selector.Matches(labels.Set(o.Labels))
	}
	n.sources.Selected = func(namespace string) bool { return count[namespace] }
	return nil
}

// want asks for what the objects refer to and waits for it, within bounds. It returns whether any of it
// was not asked for before.
func (n *needs) want(ctx context.Context, w translate.Wanted) (more bool) {
	more = n.references.Want(w.Secrets, w.ConfigMaps)
	more = n.names.Want(w.Names) || more
	if !more {
		return false
	}
	limit := patience
	if !n.begun {
		limit = firstPatience
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n.references.Await(bounded)
	// A name that nobody answers for is no reason to keep a new replica from all other objects.
	soon, enough := context.WithTimeout(bounded, patience)
	defer enough()
	n.names.Await(soon)
	return true
}

// served notes that a table was published.
func (n *needs) served() { n.begun = true }

// place returns the zone and the node of this replica.
func (n *needs) place() (zone, node string) { return n.topology.place() }

// warn logs, once.
func (n *needs) warn(what string, err error) {
	if !n.told[what] {
		n.told[what] = true
		n.log.Warn(what, "error", err)
	}
}

// unanswered is err, or what to say when there is none because nobody has answered.
func unanswered(err error) error {
	if err == nil {
		return fmt.Errorf("no answer from the API server after %s", firstPatience)
	}
	return err
}
