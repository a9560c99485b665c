package conformance

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/test/cluster"
)

// What the scenarios share; each has a namespace and hosts of its own.
var (
	plane         *cluster.Cluster
	plain, secure string // addresses of the proxy
)

// published is the address that Fairlead writes into the status of objects.
const published = "192.0.2.1"

func TestMain(m *testing.M) { os.Exit(cluster.RunTests(suite{m})) }

type suite struct{ tests *testing.M }

// Run starts a control plane, a node and Fairlead, runs the tests, and ends all.
func (s suite) Run() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	code := 1
	stop, err := begin(ctx)
	if err == nil {
		code = s.tests.Run()
	}
	if err = errors.Join(err, stop()); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

// begin returns what ends all that was begun, whether or not it all was.
func begin(ctx context.Context) (stop func() error, err error) {
	var ends []func() error
	stop = func() error {
		var errs []error
		for i := len(ends) - 1; i >= 0; i-- {
			errs = append(errs, ends[i]())
		}
		return errors.Join(errs...)
	}
	starting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	root, err := cluster.Root()
	if err != nil {
		return stop, err
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	if plane, err = cluster.Start(starting, cluster.Options{Scheme: scheme, CRDs: []string{filepath.Join(root, "config", "crd", "bases")}}); err != nil {
		return stop, err
	}
	ends = append(ends, plane.Stop)
	node, err := plane.StartNode(ctx, nil)
	if err != nil {
		return stop, err
	}
	ends = append(ends, func() error { node.Stop(); return nil })
	if err := plane.Apply(starting, filepath.Join(root, "config", "ingressclass", "ingressclass.yaml")); err != nil {
		return stop, err
	}
	end, err := serve(ctx)
	ends = append(ends, end)
	return stop, err
}

// serve runs the proxy and the controllers in this process.
func serve(ctx context.Context) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	stop = func() error { cancel(); return group.Wait() }
	server, err := proxy.New(proxy.Options{HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0"})
	if err == nil {
		err = server.Listen(ctx)
	}
	if err != nil {
		return stop, err
	}
	addresses := func(http, https, _ net.Addr) (string, string) { return http.String(), https.String() }
	plain, secure = addresses(server.Addrs())
	group.Go(func() error { return server.Serve(ctx) })
	group.Go(func() error {
		return controllers.Run(ctx, plane.Config, server, controllers.Options{
			PublishAddresses: []string{published}, Lease: controllers.LeaseOptions{Namespace: "default"},
		})
	})
	return stop, nil
}
