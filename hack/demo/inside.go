package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead/fairlead/test/cluster"
)

// commandInside is how the outer process calls the inner one.
const commandInside = "inside"

// firstListener is the file descriptor of the first listener that the outer process passes on.
const firstListener = 3

// demo is what the inner process starts, in the order in which it is filled.
type demo struct {
	out   io.Writer
	begin time.Time
	ports ports // outside
	inner ports // where the same is reached inside

	cluster   *cluster.Cluster
	node      *cluster.Node
	fairlead  *cluster.Process
	listeners []net.Listener
}

// inside is the inner process: it starts everything, says so, and stops everything when it gets SIGTERM.
func inside(args []string, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	d := &demo{out: out, begin: time.Now()}
	flags := flag.NewFlagSet(commandInside, flag.ContinueOnError)
	if err := d.ports.add(flags); err != nil {
		return err
	}
	tellReady := flags.Bool("tell-ready", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while starting
		}
		return err
	}
	d.explain()
	if *tellReady {
		ready := os.NewFile(uintptr(firstListener+len(d.listeners)), "ready")
		if _, err := ready.WriteString("\n"); err != nil {
			return fmt.Errorf("say that all is ready: %w", err)
		}
		if err := ready.Close(); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.fairlead.Exited():
		return errors.Join(errors.New("fairlead has ended"), d.fairlead.Err())
	}
}

func (d *demo) start(ctx context.Context) error {
	if err := d.startCluster(ctx); err != nil {
		return err
	}
	d.say("control plane runs, with " + d.cluster.Network.String())
	if err := d.applyObjects(ctx); err != nil {
		return err
	}
	d.say("objects applied: hack/demo/manifests")
	if err := d.startFairlead(); err != nil {
		return err
	}
	if err := d.relayAll(); err != nil {
		return err
	}
	for _, url := range []string{"ws://chat.localhost/socket", "ws://ws.localhost/socket?room=blue", "wss://chat.localhost/socket"} {
		pod, err := d.served(ctx, url)
		if err != nil {
			return err
		}
		d.say(url + " is answered by " + pod)
	}
	return nil
}

func (d *demo) say(text string) {
	tell(d.out, "%-90s %6.1f s", text, time.Since(d.begin).Seconds())
}

func (d *demo) startCluster(ctx context.Context) error {
	var err error
	d.cluster, err = cluster.Start(ctx, cluster.Options{Dir: clusterDir, CRDs: []string{"config/crd/bases"}})
	if err != nil {
		return err
	}
	if d.node, err = d.cluster.StartNode(ctx, nil); err != nil {
		return err
	}
	return d.writeKubeconfig()
}

// writeKubeconfig writes the user's kubeconfig: the cluster's own, but for the port, which is the one outside.
func (d *demo) writeKubeconfig() error {
	config, err := clientcmd.LoadFromFile(d.cluster.Kubeconfig)
	if err != nil {
		return err
	}
	for _, one := range config.Clusters {
		one.Server = fmt.Sprintf("https://127.0.0.1:%d", d.ports.API)
	}
	return clientcmd.WriteToFile(*config, kubeconfigFile)
}

// startFairlead starts the controller as a user would, on ports of its own.
func (d *demo) startFairlead() error {
	for i, one := range d.inner.all() {
		*one.port = *d.ports.all()[i].port
	}
	var err error
	if !d.cluster.Network.Isolated { // the outer process listens there
		for _, one := range d.inner.all() {
			if *one.port, err = cluster.FreePort(); err != nil {
				return err
			}
		}
	}
	address := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	d.fairlead, err = cluster.StartProcess("fairlead", fairleadLog, exec.Command("bin/fairlead", "controller",
		"--kubeconfig", d.cluster.Kubeconfig,
		"--http-address", address(d.inner.HTTP),
		"--https-address", address(d.inner.HTTPS),
		"--admin-address", address(d.inner.Admin),
		"--redirect-port", strconv.Itoa(d.ports.HTTPS),
		"--publish-status-address", "127.0.0.1",
		"--leader-election-namespace", "demo",
		"--drain-delay", "0s", // nobody balances load over this one
		"--drain-spread", "1s",
		"--log-format", "text",
	))
	return err
}

// relayAll passes on what comes to the outer process's listeners.
func (d *demo) relayAll() error {
	apiServer, err := url.Parse(d.cluster.Config.Host)
	if err != nil {
		return fmt.Errorf("address of the API server: %w", err)
	}
	if d.inner.API, err = strconv.Atoi(apiServer.Port()); err != nil {
		return fmt.Errorf("address of the API server: %w", err)
	}
	for i, one := range d.inner.all() {
		file := os.NewFile(uintptr(firstListener+i), one.what)
		listener, err := net.FileListener(file)
		_ = file.Close() // the listener has a copy
		if err != nil {
			return fmt.Errorf("take over the port of %s: %w", one.what, err)
		}
		d.listeners = append(d.listeners, listener)
		go relay(listener, net.JoinHostPort("127.0.0.1", strconv.Itoa(*one.port)))
	}
	return nil
}

// stop ends what was started, last first.
func (d *demo) stop() error {
	var problems []error
	if d.fairlead != nil {
		problems = append(problems, d.fairlead.Stop(20*time.Second))
	}
	for _, listener := range d.listeners {
		problems = append(problems, listener.Close())
	}
	if d.node != nil {
		d.node.Stop()
	}
	if d.cluster != nil {
		problems = append(problems, d.cluster.Stop())
	}
	return errors.Join(problems...)
}
