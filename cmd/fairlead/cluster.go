package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fairlead/fairlead/controllers"
)

// clusterFlags say what of a cluster is looked at, and what is told there.
type clusterFlags struct {
	options            controllers.Options
	service            objectName
	published          addresses
	namespaces         namespaces
	namespacesByLabel  selector
	objectsByLabel     selector
	update, leaveClean bool
}

func (f *clusterFlags) add(flags *pflag.FlagSet) {
	o := &f.options
	flags.Var(&f.namespaces, "watch-namespace", "namespaces to serve; empty: all. Rights in these are enough then")
	flags.Var(&f.namespacesByLabel, "watch-namespace-selector", "labels of the namespaces whose Ingresses and WebSocketRoutes are served, such as team=web; needs the right to list and watch namespaces")
	flags.Var(&f.objectsByLabel, "watch-label-selector", "labels of the Ingresses and WebSocketRoutes to serve, such as tier!=internal")
	flags.Var(&f.service, "publish-service", "Service whose addresses are written into the status of objects")
	flags.Var(&f.published, "publish-status-address", "IP addresses and DNS names for the status of objects, instead of those of a Service; with neither, those of the nodes that run the replicas")
	flags.BoolVar(&o.InternalAddresses, "report-node-internal-ip-address", false, "of nodes, write the internal addresses also where there are external ones")
	flags.BoolVar(&f.update, "update-status", true, "write the status of objects")
	flags.BoolVar(&f.leaveClean, "update-status-on-shutdown", true, "take the addresses out of the status of objects when the last replica ends")
	flags.DurationVar(&o.PublishInterval, "publish-interval", controllers.DefaultPublishInterval, "least time between two route tables")
	flags.StringVar(&o.Lease.Namespace, "leader-election-namespace", "", "`namespace` of the Lease; empty: that of the pod")
	flags.StringVar(&o.Lease.Name, "leader-election-id", "", "`name` of the Lease that the replicas compete for; empty: fairlead-leader, and another for each further controller name")
	flags.StringVar(&o.TicketSecret, "ticket-secret", "", "`name` of the Secret, in the namespace of the Lease, in which the replicas share the keys of TLS session tickets; empty: fairlead-tickets, and another for each further controller name")
}

// complete returns the options. Which pod this is, and on which node, the downward API says: see
// config/manager.
func (f *clusterFlags) complete() controllers.Options {
	o := f.options
	o.PublishService, o.PublishAddresses = types.NamespacedName(f.service), f.published
	o.Watch = controllers.WatchOptions{Namespaces: f.namespaces, NamespaceSelector: f.namespacesByLabel.Selector, ObjectSelector: f.objectsByLabel.Selector}
	o.NoStatusUpdate, o.KeepStatus = !f.update, !f.leaveClean
	if name, namespace := os.Getenv("POD_NAME"), os.Getenv("POD_NAMESPACE"); name != "" && namespace != "" {
		o.Pod = types.NamespacedName{Namespace: namespace, Name: name}
	}
	o.Node = os.Getenv("NODE_NAME")
	return o
}

// namespaces is a flag of names of namespaces, separated by commas; given again, it adds to them.
type namespaces []string

func (n *namespaces) Type() string { return "namespaces" }

func (n *namespaces) String() string { return strings.Join(*n, ",") }

func (n *namespaces) Set(value string) error {
	list := slices.Clone(*n)
	for _, word := range words(value) {
		for _, wrong := range validation.IsDNS1123Label(word) {
			return fmt.Errorf("%q is not the name of a namespace: %s", word, wrong)
		}
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	*n = list
	return nil
}

// selector is a flag that selects objects by their labels, as kubectl's --selector does.
type selector struct{ labels.Selector }

func (s *selector) Type() string { return "selector" }

func (s *selector) String() string {
	if s.Selector == nil {
		return ""
	}
	return s.Selector.String()
}

func (s *selector) Set(value string) error {
	if strings.TrimSpace(value) == "" {
		s.Selector = nil
		return nil
	}
	parsed, err := labels.Parse(value)
	if err != nil {
		return err
	}
	s.Selector = parsed
	return nil
}
