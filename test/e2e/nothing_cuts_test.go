package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// story is what TestNothingCutsASocket goes through: the sockets, and the pods that were taken away meanwhile.
type story struct {
	fairlead *fairlead
	ns       string
	fleet    fleet
	gone     map[string]bool
}

// TestNothingCutsASocket: 200 sockets echo all the time, while everything around them changes. None whose pod lives is
// closed, and no message is lost.
func TestNothingCutsASocket(t *testing.T) {
	s := &story{ns: namespace(t), gone: make(map[string]bool)}
	apply(t, chatManifests, s.ns)
	writeCertificate(t, s.ns, 1)
	apply(t, ingressManifest, s.ns)
	apply(t, routeManifest, s.ns)
	s.fairlead = startFairlead(t)
	for _, id := range []string{ingressRoute(s.ns), socketRoute(s.ns)} {
		s.fairlead.published(t, id, func(r *route) error { return wanted(r.ready(), 4) })
	}
	for len(s.fleet) < 200 {
		for _, url := range []string{"ws://" + webHost(s.ns) + "/socket", "ws://" + socketHost(s.ns) + "/socket"} {
			s.fleet = append(s.fleet, open(t, url, s.fairlead.http), open(t, url, s.fairlead.http))
		}
		s.fleet = append(s.fleet, open(t, "wss://"+webHost(s.ns)+"/socket", s.fairlead.https))
	}
	t.Logf("%d sockets: %v", len(s.fleet), s.fleet.pods())
	for _, chapter := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"annotations and policy change", s.changePolicy},
		{"other objects come and go", s.changeOthers},
		{"the certificate is rotated", s.rotateCertificate},
		{"pods are added and taken away again", s.scaleUpAndDown},
		{"a pod with sockets goes", s.takeAPod},
		{"the API server restarts", s.restartAPIServer},
	} {
		begin := time.Now()
		chapter.tell(t)
		open, dead := s.fleet.alive(s.gone)
		if dead != nil {
			t.Fatalf("%s: %v", chapter.name, dead)
		}
		t.Logf("%-40s %3d sockets open, %s", chapter.name, open, time.Since(begin).Round(time.Millisecond))
	}
	s.settle(t)
}

func (s *story) changePolicy(t *testing.T) {
	for minutes := 1; minutes <= 10; minutes++ {
		idle := (time.Duration(minutes) * time.Minute).String()
		annotate(t, ingress(s.ns, "web"), "fairlead.dev/idle-timeout", idle)
		annotate(t, ingress(s.ns, "web"), "fairlead.dev/balance", []string{"round-robin", "least-sessions"}[minutes%2])
		merge(t, webSocketRoute(s.ns, "sockets"), fmt.Sprintf(`{"spec":{"policy":{"timeouts":{"idle":"%dm"}}}}`, minutes))
		for _, id := range []string{ingressRoute(s.ns), socketRoute(s.ns)} {
			s.fairlead.published(t, id, func(r *route) error { return wanted(r.Timeouts.Idle, idle) })
		}
	}
}

const otherManifests = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: other-NUMBER, namespace: %[1]s}
spec:
  ingressClassName: fairlead
  rules:
  - host: other-NUMBER.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {number: 80}}}}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: other-NUMBER, namespace: %[1]s}
spec:
  ingressClassName: fairlead
  hosts: [web.%[1]s.test, other-NUMBER.example.org]
  rules:
  - name: main
    matches: [{path: {type: Prefix, value: /NUMBER}}]
    backends: [{name: chat, port: ws}]
`

func (s *story) changeOthers(t *testing.T) {
	const others = 10
	for i := range others {
		apply(t, numbered(otherManifests, i), s.ns)
	}
	last := fmt.Sprintf("wsr/%s/other-%d/main", s.ns, others-1)
	s.fairlead.published(t, last, func(*route) error { return nil })
	for i := range others {
		name := fmt.Sprintf("other-%d", i)
		for _, object := range []client.Object{ingress(s.ns, name), webSocketRoute(s.ns, name)} {
			must(t, plane.Client.Delete(t.Context(), object))
		}
	}
	eventually(t, 20*time.Second, "the others are gone", func() error {
		table, err := s.fairlead.routes()
		if err != nil {
			return err
		}
		for id := range table { // those of earlier tests may still be going
			if strings.Contains(id, "/"+s.ns+"/other-") {
				return fmt.Errorf("%w: %s", errNotYet, id)
			}
		}
		return nil
	})
}

func (s *story) rotateCertificate(t *testing.T) {
	for serial := int64(2); serial <= 5; serial++ {
		writeCertificate(t, s.ns, serial)
		eventually(t, 20*time.Second, "the new certificate is served", func() error {
			conn, err := tls.Dial("tcp", s.fairlead.https, &tls.Config{
				ServerName: webHost(s.ns), InsecureSkipVerify: true, //nolint:gosec // the serial number tells
			})
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }() // nothing was sent
			return wanted(conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), serial)
		})
	}
}

// scaleUpAndDown adds four pods and takes as many away. The Deployment takes away the youngest, but only among
// equals, so pods that go are noted.
func (s *story) scaleUpAndDown(t *testing.T) {
	s.scale(t, 8)
	s.scale(t, 4)
}

func (s *story) takeAPod(t *testing.T) {
	s.scale(t, 3)
	leaving := 0
	for _, one := range s.fleet {
		if !s.gone[one.pod] {
			continue
		}
		leaving++
		closed, err := one.goodbye(20 * time.Second)
		if err != nil {
			t.Error(err)
		} else if closed.Code != websocket.CloseGoingAway || closed.Text != one.pod+" is stopping" {
			t.Errorf("a socket of %s, which went, got %v; want Close 1001, said by the pod", one.pod, closed)
		}
	}
	if leaving == 0 {
		t.Error("no pod with sockets went: the chapter tells nothing")
	}
	t.Logf("%d sockets of pods that went got their Close frame", leaving)
}

// scale changes the number of pods, waits until it is published, and notes who goes.
func (s *story) scale(t *testing.T, replicas int) {
	t.Helper()
	scale(t, s.ns, replicas)
	s.fairlead.published(t, socketRoute(s.ns), func(r *route) error { return wanted(r.ready(), replicas) })
	living := livingPods(t, s.ns)
	for pod := range s.fleet.pods() {
		if !living[pod] {
			s.gone[pod] = true
		}
	}
}

func (s *story) restartAPIServer(t *testing.T) {
	must(t, plane.StopAPIServer())
	eventually(t, 20*time.Second, "fairlead notices", func() error {
		up, err := s.fairlead.metric("fairlead_control_plane_up")
		if err != nil {
			return err
		}
		return wanted(up, 0)
	})
	status, err := s.fairlead.readiness()
	must(t, err)
	if status != http.StatusOK {
		t.Errorf("without an API server, /readyz says %d", status)
	}
	// New sockets are served from the last table.
	late := open(t, "ws://"+webHost(s.ns)+"/socket", s.fairlead.http)
	s.fleet = append(s.fleet, late)
	must(t, plane.StartAPIServer(t.Context()))
	eventually(t, 60*time.Second, "fairlead notices that it is back", func() error {
		up, err := s.fairlead.metric("fairlead_control_plane_up")
		if err != nil {
			return err
		}
		return wanted(up, 1)
	})
	annotate(t, ingress(s.ns, "web"), "fairlead.dev/idle-timeout", "77m")
	s.fairlead.published(t, ingressRoute(s.ns), func(r *route) error { return wanted(r.Timeouts.Idle, "1h17m0s") })
}

// settle checks that every message of every socket has come back.
func (s *story) settle(t *testing.T) {
	var messages int64
	for _, one := range s.fleet {
		one.hush()
	}
	for _, one := range s.fleet {
		if s.gone[one.pod] {
			continue
		}
		if err := one.settle(10 * time.Second); err != nil {
			t.Error(err)
		}
		messages += one.received.Load()
	}
	open, _ := s.fleet.alive(s.gone)
	if open < len(s.fleet)/2 {
		t.Errorf("only %d of %d sockets are left to tell", open, len(s.fleet))
	}
	t.Logf("%d of %d sockets still open; the others' pods are gone; %d messages, none lost", open, len(s.fleet), messages)
}
