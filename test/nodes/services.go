package nodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/fairlead/fairlead/test/nodes/loadbalancer"
)

// ProxyProtocolAnnotation set to "true" on a Service of type LoadBalancer, makes its load balancer begin each connection
// with a PROXY protocol header of version 2.
const ProxyProtocolAnnotation = "test.fairlead.dev/proxy-protocol"

// kubeProxyHealth is where kube-proxy says whether a node is well, for Services that every node serves.
const kubeProxyHealth = 10256

// cloudRetry is the pause after a Service could not be served.
const cloudRetry = 500 * time.Millisecond

// provider plays the cloud: it gives every Service of type LoadBalancer that asks for no other class an address, and a load
// balancer that listens there.
type provider struct {
	clients  kubernetes.Interface
	nodes    map[string]netip.Addr
	log      io.Writer
	services listers.ServiceLister
	changed  chan struct{}
	end      context.CancelFunc
	running  sync.WaitGroup

	served map[types.UID]*service // of the goroutine that runs alone
	next   netip.Addr             // address that nobody has had yet
	free   []netip.Addr           // addresses that were given back
}

// service is a Service with its load balancer.
type service struct {
	options  loadbalancer.Options
	balancer *loadbalancer.LoadBalancer
}

// startProvider starts it, and returns when it knows all Services.
func startProvider(ctx context.Context, c *Cluster) (*provider, error) {
	factory := informers.NewSharedInformerFactory(c.plane.clients, 0)
	informer := factory.Core().V1().Services()
	p := &provider{
		clients: c.plane.clients, nodes: c.NodeAddresses(), log: c.options.Log, services: informer.Lister(),
		changed: make(chan struct{}, 1), served: map[types.UID]*service{}, next: cloudPrefix.Addr().Next(),
	}
	_, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { p.notice() },
		UpdateFunc: func(any, any) { p.notice() },
		DeleteFunc: func(any) { p.notice() },
	})
	if err != nil {
		return nil, err
	}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx)) // it lives until stop
	factory.Start(ctx.Done())
	p.running.Go(func() {
		p.run(ctx)
		factory.Shutdown()
	})
	return p, nil
}

// stop ends it and all load balancers.
func (p *provider) stop() {
	p.end()
	p.running.Wait()
}

// notice remembers that something has changed; what, is looked up.
func (p *provider) notice() {
	select {
	case p.changed <- struct{}{}:
	default: // it is remembered already
	}
}

func (p *provider) run(ctx context.Context) {
	defer func() {
		for _, one := range p.served {
			one.balancer.Stop()
		}
	}()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		case <-again:
		}
		again = nil
		if err := p.serveAll(ctx); err != nil && ctx.Err() == nil {
			_, _ = fmt.Fprintf(p.log, "load balancers: %v\n", err) // whoever waits for an address sees that there is none
			again = time.After(cloudRetry)
		}
	}
}

// serveAll makes the load balancers what the Services want.
func (p *provider) serveAll(ctx context.Context) error {
	all, err := p.services.List(labels.Everything())
	if err != nil {
		return err
	}
	// Addresses are given in the order in which Services were made.
	slices.SortFunc(all, func(a, b *corev1.Service) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	wanted := map[types.UID]bool{}
	var problems []error
	for _, one := range all {
		if one.Spec.Type == corev1.ServiceTypeLoadBalancer && one.Spec.LoadBalancerClass == nil && one.DeletionTimestamp == nil {
			wanted[one.UID] = true
			if err := p.serve(ctx, one); err != nil {
				problems = append(problems, fmt.Errorf("%s/%s: %w", one.Namespace, one.Name, err))
			}
		}
	}
	for id, one := range p.served {
		if !wanted[id] {
			one.balancer.Stop()
			delete(p.served, id)
			problems = append(problems, p.giveBack(one.options.Address))
		}
	}
	return errors.Join(problems...)
}

// serve lets a load balancer do what a Service says, and writes its address into the status.
func (p *provider) serve(ctx context.Context, s *corev1.Service) error {
	before := p.served[s.UID]
	var address netip.Addr
	if before != nil {
		address = before.options.Address
	} else {
		var err error
		if address, err = p.take(); err != nil {
			return err
		}
	}
	options := p.options(s, address)
	if before == nil || !before.options.Equal(options) {
		if before != nil {
			before.balancer.Stop()
			delete(p.served, s.UID)
		}
		balancer, err := loadbalancer.Start(options)
		if err != nil {
			return errors.Join(err, p.giveBack(address))
		}
		p.served[s.UID] = &service{options: options, balancer: balancer}
	}
	return p.announce(ctx, s, address)
}

func (p *provider) options(s *corev1.Service, address netip.Addr) loadbalancer.Options {
	o := loadbalancer.Options{
		Address: address, Nodes: p.nodes, HealthPort: kubeProxyHealth, HealthPath: "/healthz",
		ProxyProtocol: s.Annotations[ProxyProtocolAnnotation] == "true",
	}
	if s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		o.HealthPort = uint16(s.Spec.HealthCheckNodePort) //nolint:gosec // the API server has checked that it is a port
	}
	for _, port := range s.Spec.Ports {
		if port.Protocol == corev1.ProtocolTCP && port.NodePort != 0 {
			o.Ports = append(o.Ports, loadbalancer.Port{Listen: uint16(port.Port), Node: uint16(port.NodePort)}) //nolint:gosec // likewise
		}
	}
	return o
}

// announce writes the address into the status. Where the load balancer does more than a node's packet filter could, pods have to come
// by it too.
func (p *provider) announce(ctx context.Context, s *corev1.Service, address netip.Addr) error {
	mode := corev1.LoadBalancerIPModeVIP
	if p.served[s.UID].options.ProxyProtocol {
		mode = corev1.LoadBalancerIPModeProxy
	}
	has := s.Status.LoadBalancer.Ingress
	if len(has) == 1 && has[0].IP == address.String() && has[0].IPMode != nil && *has[0].IPMode == mode {
		return nil
	}
	changed := s.DeepCopy()
	changed.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}
	_, err := p.clients.CoreV1().Services(s.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}

// take takes an address of the cloud that nobody has.
func (p *provider) take() (netip.Addr, error) {
	if len(p.free) == 0 {
		if !cloudPrefix.Contains(p.next.Next()) { // the last one is for broadcasts
			return netip.Addr{}, fmt.Errorf("all addresses of %s are taken", cloudPrefix)
		}
		p.free = append(p.free, p.next)
		p.next = p.next.Next()
	}
	address := p.free[0]
	if err := addAddress(cloud, netip.PrefixFrom(address, address.BitLen())); err != nil {
		return netip.Addr{}, err
	}
	p.free = p.free[1:]
	return address, nil
}

func (p *provider) giveBack(address netip.Addr) error {
	p.free = append(p.free, address)
	return removeAddress(cloud, netip.PrefixFrom(address, address.BitLen()))
}
