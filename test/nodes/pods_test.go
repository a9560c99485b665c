package nodes_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// worldAddress is where all who are outside of the cluster come from.
const worldAddress = "10.250.0.1"

func TestPodsOfBothNodesReachEachOther(t *testing.T) {
	begun := time.Now()
	pods := begin(t).deploy("web", 3, nil)
	t.Logf("3 pods were ready after %s", time.Since(begun).Round(10*time.Millisecond))
	nodes := map[string]bool{}
	for _, from := range pods {
		nodes[from.Spec.NodeName] = true
		for _, to := range pods {
			got, err := askThrough(from, to.Status.PodIP+":8080")
			if err != nil {
				t.Error(err)
				continue
			}
			want := testimony{to.Name, "v1", from.Status.PodIP}
			if from.Name == to.Name {
				want.client = got.client // it may call itself by any of its addresses
			}
			if got != want {
				t.Errorf("from %s to %s: %v, want %v", from.Spec.NodeName, to.Spec.NodeName, got, want)
			}
		}
	}
	if len(nodes) != 2 {
		t.Errorf("the pods are on %v, want both nodes", nodes)
	}
}

func TestNamesResolve(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 2, nil)
	service := s.expose("web", nil)
	for _, pod := range pods {
		for name, want := range map[string]string{
			"web": service.Spec.ClusterIP,
			"web." + s.namespace + ".svc.cluster.local": service.Spec.ClusterIP,
			"kubernetes.default":                        "10.96.0.1",
		} {
			eventually(t, 10*time.Second, name, func() error {
				got, err := get("http://" + pod.Status.PodIP + ":8080/resolve?name=" + name)
				if err != nil {
					return err
				}
				return wanted(got, want)
			})
		}
		if got, err := get("http://" + pod.Status.PodIP + ":8080/resolve?name=example.com"); err == nil || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("example.com is %q, %v; there is nothing outside of this world", got, err)
		}
	}
}

func TestServicesLeadToPodsOnAllNodes(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 2, nil)
	service := s.expose("web", func(service *corev1.Service) { service.Spec.Type = corev1.ServiceTypeNodePort })
	// A pod comes to those of both nodes, itself among them.
	for _, from := range pods {
		eventually(t, 20*time.Second, "both pods, by the name of the Service from "+from.Spec.NodeName, func() error {
			heard := map[string]bool{}
			for range 20 {
				got, err := askThrough(from, "web")
				if err != nil {
					return err
				}
				heard[got.pod] = true
			}
			return wanted(len(heard), 2)
		})
	}
	port := service.Spec.Ports[0].NodePort
	for name, address := range world.NodeAddresses() {
		eventually(t, 20*time.Second, "both pods, by the port of "+name, func() error {
			heard := map[string]bool{}
			for range 20 {
				got, err := ask(netip.AddrPortFrom(address, uint16(port)).String())
				if err != nil {
					return err
				}
				heard[got.pod] = true
			}
			return wanted(len(heard), 2)
		})
	}
}

func TestAHostPortLeadsToThePodOfTheNode(t *testing.T) {
	s := beginWith(t, "privileged") // the others forbid it
	for _, pod := range s.deploy("web", 2, func(pod *corev1.PodSpec) { pod.Containers[0].Ports[0].HostPort = 7080 }) {
		got, err := ask(net.JoinHostPort(pod.Status.HostIP, "7080"))
		if want := (testimony{pod.Name, "v1", worldAddress}); err != nil || got != want {
			t.Errorf("at %s: %v, %v, want %v", pod.Spec.NodeName, got, err, want)
		}
	}
}

func TestAPodWithoutRightsListensOnALowPort(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 1, func(pod *corev1.PodSpec) {
		pod.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}
		pod.Containers[0].Ports[0].ContainerPort = 80
		pod.Containers[0].Env = append(pod.Containers[0].Env, corev1.EnvVar{Name: "PORT", Value: "80"})
	})
	got, err := ask(pods[0].Status.PodIP + ":80")
	if want := (testimony{pods[0].Name, "v1", worldAddress}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestKubectlSeesIntoPods(t *testing.T) {
	s := begin(t)
	pod := s.deploy("web", 1, nil)[0]
	if got := s.kubectl("logs", pod.Name); !strings.Contains(got, "witness listens") {
		t.Errorf("logs: %q", got)
	}
	if got := s.kubectl("get", "--raw", "/api/v1/namespaces/"+s.namespace+"/pods/"+pod.Name+":8080/proxy/"); !strings.HasPrefix(got, pod.Name) {
		t.Errorf("through the API server: %q", got)
	}
}
