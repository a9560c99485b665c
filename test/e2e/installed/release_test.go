package installed_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// release is an installation of the chart.
type release struct {
	name, namespace string
	took            time.Duration // of helm install --wait
}

// shared is the release that the stories share: the chart's defaults, with a drain that is shorter than its 10, 30 and 60 seconds.
var shared *release

var sharedValues = []string{"drain.delaySeconds=4", "drain.spreadSeconds=15", "drain.timeoutSeconds=25"}

// installed returns the release that the stories share, and installs it when it is not there.
func installed(t *testing.T) *release {
	t.Helper()
	if shared == nil {
		home(t)
		shared = install(t, "fairlead", "fairlead-system", sharedValues...)
	}
	t.Cleanup(func() {
		if t.Failed() && shared != nil {
			explain(t, shared.namespace)
		}
	})
	return shared
}

// home sees to it that there is a namespace for the shared release.
func home(t *testing.T) {
	t.Helper()
	if kubectl(t, "get", "namespace", "fairlead-system", "--ignore-not-found", "--output", "name") == "" {
		makeNamespace(t, "fairlead-system", "restricted")
	}
}

// uninstalled sees to it that the shared release is not there.
func uninstalled(t *testing.T) {
	t.Helper()
	if shared != nil {
		helm(t, "uninstall", shared.name, "--namespace", shared.namespace, "--wait")
		shared = nil
	}
}

// install installs the chart and waits until all its replicas are available, as helm sees it.
func install(t *testing.T, name, ns string, values ...string) *release {
	t.Helper()
	began := time.Now()
	args := []string{"install", name, "charts/fairlead", "--namespace", ns, "--wait", "--timeout", "3m"}
	if _, err := tryHelm(within(t, 4*time.Minute), append(args, settings(values)...)...); err != nil {
		explain(t, ns)
		t.Fatal(err)
	}
	return &release{name: name, namespace: ns, took: since(began)}
}

func settings(values []string) (args []string) {
	for _, value := range values {
		flag := "--set"
		if strings.Contains(value, "annotations.") {
			flag = "--set-string" // an annotation "true" is a text
		}
		args = append(args, flag, value)
	}
	return args
}

// second installs another release beside the shared one, with a class of its own that has its name, into a namespace of its own for the length of a story.
func second(t *testing.T, name string, values ...string) *release {
	t.Helper()
	installed(t) // the CRD is that one's
	r := install(t, name, name, append([]string{
		"fullnameOverride=" + name, "crds.install=false", "replicas=1", "minReadySeconds=0",
		"ingressClass.name=" + name, "ingressClass.controllerValue=fairlead.dev/" + name, "drain.delaySeconds=1", "drain.spreadSeconds=1", "drain.timeoutSeconds=5",
	}, values...)...)
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, name)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := tryHelm(ctx, "uninstall", name, "--namespace", name, "--no-hooks"); err != nil {
			t.Error(err)
		}
	})
	return r
}

// balancer returns the address that the cloud gave to the Service of the release.
func (r *release) balancer(t *testing.T) netip.Addr {
	t.Helper()
	var address netip.Addr
	eventually(t, 20*time.Second, "the Service has an address", func() (err error) {
		address, err = netip.ParseAddr(field(t, r.namespace, "service/"+r.name, "{.status.loadBalancer.ingress[0].ip}"))
		return err
	})
	return address
}

// http is where clients reach the release, https likewise.
func (r *release) http(t *testing.T) string  { return net.JoinHostPort(r.balancer(t).String(), "80") }
func (r *release) https(t *testing.T) string { return net.JoinHostPort(r.balancer(t).String(), "443") }

// replica is a pod of Fairlead.
type replica struct{ name, address, node string }

// replicas returns the pods that are ready and not about to end.
func (r *release) replicas(t *testing.T) []replica {
	t.Helper()
	return podsOf(t, r.namespace, "app.kubernetes.io/component=controller,app.kubernetes.io/instance="+r.name)
}

// podsOf returns the pods with the labels that are ready and not about to end.
func podsOf(t *testing.T, ns, labels string) (list []replica) {
	t.Helper()
	const path = `{range .items[*]}{.metadata.name} {.status.podIP} {.spec.nodeName} {.status.conditions[?(@.type=="Ready")].status} -{.metadata.deletionTimestamp}{"\n"}{end}`
	for line := range strings.Lines(kubectl(t, "get", "pods", "--namespace", ns, "--selector", labels, "--output", "jsonpath="+path)) {
		if f := strings.Fields(line); len(f) == 5 && f[3] == "True" && f[4] == "-" {
			list = append(list, replica{name: f[0], address: f[1], node: f[2]})
		}
	}
	slices.SortFunc(list, func(a, b replica) int { return strings.Compare(a.name, b.name) })
	return list
}

// spread sees to it that the two replicas run on two nodes: where both ended up on one of them, the scheduler gets another chance.
func (r *release) spread(t *testing.T) []replica {
	t.Helper()
	var list []replica
	eventually(t, time.Minute, "a replica on each node", func() error {
		list = r.replicas(t)
		if len(list) == 2 && list[0].node == list[1].node {
			kubectl(t, "delete", "pod", "--namespace", r.namespace, list[0].name, "--wait=false")
		}
		if len(list) != 2 || list[0].node == list[1].node {
			return fmt.Errorf("%w: %+v", errNotYet, list)
		}
		return nil
	})
	return list
}
