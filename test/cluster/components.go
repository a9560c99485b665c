package cluster

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startAPIServer starts etcd and kube-apiserver, and writes the kubeconfig file.
func (c *Cluster) startAPIServer(binaries string, options Options) error {
	c.environment = &envtest.Environment{
		BinaryAssetsDirectory:    binaries,
		CRDDirectoryPaths:        options.CRDs,
		ErrorIfCRDPathMissing:    true,
		Scheme:                   options.Scheme,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	if err := c.prepareEtcd(binaries); err != nil {
		return err
	}
	if err := c.prepareAPIServer(binaries, options.APIServerPort); err != nil {
		return err
	}
	var err error
	if c.Config, err = c.environment.Start(); err != nil {
		return fmt.Errorf("%w\n%s", err, Tail(c.LogFile("kube-apiserver"), 5))
	}
	c.Kubeconfig = filepath.Join(c.dir, "kubeconfig")
	return os.WriteFile(c.Kubeconfig, c.environment.KubeConfig, 0o600)
}

func (c *Cluster) prepareEtcd(binaries string) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	log, err := c.openLog("etcd")
	if err != nil {
		return err
	}
	etcd := &envtest.Etcd{
		Path:    filepath.Join(binaries, "etcd"),
		URL:     &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)},
		DataDir: filepath.Join(c.dir, "data"),
		Out:     log,
		Err:     log,
	}
	etcd.Configure().Set("log-level", "warn")
	c.environment.ControlPlane.Etcd = etcd
	return os.MkdirAll(etcd.DataDir, 0o700)
}

func (c *Cluster) prepareAPIServer(binaries string, port int) error {
	server := c.environment.ControlPlane.GetAPIServer()
	server.Path = filepath.Join(binaries, "kube-apiserver")
	// A folder of our own, so that the certificates outlive StopAPIServer.
	server.CertDir = filepath.Join(c.dir, "certificates")
	if err := os.MkdirAll(server.CertDir, 0o700); err != nil {
		return err
	}
	var err error
	if port == 0 {
		if port, err = FreePort(); err != nil {
			return err
		}
	}
	server.SecureServing.Address = "127.0.0.1"
	server.SecureServing.Port = strconv.Itoa(port)
	advertised := c.Network.Address
	if c.Network.Isolated {
		advertised = PodCIDR.Addr().Next()
	}
	server.Configure().
		Set("advertise-address", advertised.String()).        // else it looks for a default route, and fails without one
		Set("endpoint-reconciler-type", "none").              // nobody reaches it under that address
		Set("shutdown-watch-termination-grace-period", "2s"). // without it, an open watch keeps it from ending for a minute
		Set("profiling", "false")
	log, err := c.openLog("kube-apiserver")
	if err != nil {
		return err
	}
	server.Out, server.Err = log, log
	return nil
}

func (c *Cluster) openLog(component string) (*os.File, error) {
	file, err := os.OpenFile(c.LogFile(component), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", component, err)
	}
	c.logs = append(c.logs, file)
	return file, nil
}

func (c *Cluster) startControllers() error {
	if !c.controlled {
		return nil
	}
	port, err := FreePort()
	if err != nil {
		return err
	}
	// There is no kubelet that renews a lease: without this, an API server that was away for a minute would find the node lost
	// and its pods not ready.
	controllers := "*,-node-lifecycle-controller"
	if !c.Network.Isolated {
		controllers += ",-endpointslice-controller" // the Node plays its part, see slices.go
	}
	certificates := filepath.Join(c.dir, "certificates")
	c.controllers, err = StartProcess("kube-controller-manager", c.LogFile("kube-controller-manager"), exec.Command(
		filepath.Join(c.binaries, "kube-controller-manager"),
		"--kubeconfig", c.Kubeconfig,
		"--authentication-kubeconfig", c.Kubeconfig,
		"--authorization-kubeconfig", c.Kubeconfig,
		"--bind-address", "127.0.0.1",
		"--secure-port", strconv.Itoa(port),
		"--cert-dir", certificates,
		"--controllers", controllers,
		"--leader-elect=false",
		"--service-account-private-key-file", filepath.Join(certificates, "sa-signer.key"),
		// Its own limits of 20 and 30 requests a second cost seconds at the start.
		"--kube-api-qps", "500",
		"--kube-api-burst", "1000",
		"--profiling=false",
	))
	return err
}
