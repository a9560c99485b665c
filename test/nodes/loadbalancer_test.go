package nodes_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead/fairlead/test/nodes"
)

const (
	local       = corev1.ServiceExternalTrafficPolicyLocal
	clusterWide = corev1.ServiceExternalTrafficPolicyCluster
)

func TestALoadBalancerLeadsToPodsOfBothNodes(t *testing.T) {
	s := begin(t)
	s.deploy("web", 2, nil)
	for _, policy := range []corev1.ServiceExternalTrafficPolicy{local, clusterWide} {
		s.kubectl("delete", "service", "web", "--ignore-not-found")
		address := s.balance("web", policy, nil)
		eventually(t, 20*time.Second, "both pods, with the policy "+string(policy), func() error {
			heard := map[string]bool{}
			for range 10 {
				got, err := ask(address)
				if err != nil {
					return err
				}
				if policy == local && got.client != worldAddress {
					t.Fatalf("%s sees the client as %s, want the load balancer, %s", got.pod, got.client, worldAddress)
				}
				heard[got.pod] = true
			}
			return wanted(len(heard), 2)
		})
	}
}

func TestALoadBalancerPassesNodesWithoutAPod(t *testing.T) {
	s := begin(t)
	pod := s.deploy("web", 1, nil)[0]
	address := s.balance("web", local, nil)
	eventually(t, 20*time.Second, "an answer", func() error {
		_, err := ask(address)
		return err
	})
	for range 20 {
		if got, err := ask(address); err != nil || got.pod != pod.Name {
			t.Fatalf("got %v, %v", got, err)
		}
	}
}

func TestALoadBalancerTellsTheClientByTheProxyProtocol(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 1, nil)
	address := s.balance("web", local, map[string]string{nodes.ProxyProtocolAnnotation: "true"})
	eventually(t, 20*time.Second, "the header", func() error {
		conn, err := net.Dial("tcp", address+":81")
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		header := make([]byte, 28)
		if _, err := io.ReadFull(conn, header); err != nil {
			return err
		}
		me := conn.LocalAddr().(*net.TCPAddr).AddrPort()
		to := netip.AddrPortFrom(netip.MustParseAddr(address), 81)
		want := fmt.Appendf(nil, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c%s%s%c%c%c%c", me.Addr().AsSlice(), to.Addr().AsSlice(), 0, 0, 0, 0)
		want = append(want[:24], byte(me.Port()>>8), byte(me.Port()), 0, 81)
		if !bytes.Equal(header, want) {
			t.Fatalf("heard %q, want %q", header, want)
		}
		return nil
	})
	// Pods come by the load balancer too, for the application can't do without the header: what it says back to an HTTP client
	// begins with the header's empty line, and not with the request.
	_, err := get("http://" + pods[0].Status.PodIP + ":8080/fetch?url=http://" + address + ":81/")
	if err == nil || !strings.Contains(err.Error(), `malformed HTTP response ""`) {
		t.Errorf("from inside of the cluster: %v", err)
	}
}

func TestALoadBalancerOfAnotherClassIsNotOurs(t *testing.T) {
	s := begin(t)
	s.expose("web", func(service *corev1.Service) {
		service.Spec.Type, service.Spec.LoadBalancerClass = corev1.ServiceTypeLoadBalancer, new(string)
		*service.Spec.LoadBalancerClass = "example.com/other"
	})
	s.balance("ours", clusterWide, nil) // it was made later, and has its address
	if got := s.kubectl("get", "service", "web", "--output", "jsonpath={.status.loadBalancer.ingress}"); got != "" {
		t.Errorf("it has the address %s", got)
	}
}

func TestAServiceThatGoesGivesItsAddressBack(t *testing.T) {
	s := begin(t)
	s.deploy("web", 1, nil)
	address := s.balance("web", clusterWide, nil)
	s.kubectl("delete", "service", "web")
	eventually(t, 10*time.Second, "an end of "+address, func() error {
		conn, err := net.DialTimeout("tcp", address+":80", time.Second)
		if err != nil {
			return nil
		}
		return fmt.Errorf("%w: %s still listens", errNotYet, conn.RemoteAddr())
	})
	eventually(t, 10*time.Second, "the same address for another one", func() error {
		s.kubectl("delete", "service", "web", "--ignore-not-found")
		return wanted(s.balance("web", clusterWide, nil), address)
	})
}
