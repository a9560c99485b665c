package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestARollingUpdateMissesNoRequest(t *testing.T) {
	s := begin(t)
	s.deploy("web", 2, nil)
	address := s.balance("web", local, nil)
	eventually(t, 20*time.Second, "an answer", func() error {
		_, err := ask(address)
		return err
	})
	var asked, refused atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	clients.Go(func() {
		for ctx.Err() == nil {
			asked.Add(1)
			if _, err := ask(address); err != nil {
				refused.Add(1)
				t.Log(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	s.kubectl("set", "env", "deployment/web", "VERSION=v2")
	s.kubectl("rollout", "status", "deployment/web", "--timeout", "90s")
	eventually(t, 30*time.Second, "the new version alone", func() error {
		for range 10 {
			got, err := ask(address)
			if err != nil {
				return err
			}
			if err := wanted(got.version, "v2"); err != nil {
				return err
			}
		}
		return nil
	})
	stop()
	clients.Wait()
	if refused.Load() > 0 {
		t.Errorf("%d of %d requests were refused", refused.Load(), asked.Load())
	}
}

func TestAKilledContainerIsStartedAgain(t *testing.T) {
	s := begin(t)
	pod := s.deploy("web", 1, nil)[0]
	if err := world.KillPod(t.Context(), s.namespace, pod.Name, "witness"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "a second life", func() error {
		got, err := api.CoreV1().Pods(s.namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		status := got.Status.ContainerStatuses[0]
		if status.RestartCount != 1 || !status.Ready {
			return fmt.Errorf("%w: %d restarts, ready: %v", errNotYet, status.RestartCount, status.Ready)
		}
		if code := status.LastTerminationState.Terminated.ExitCode; code != 128+9 {
			t.Fatalf("it ended with code %d, want that of SIGKILL", code)
		}
		_, err = ask(got.Status.PodIP + ":8080")
		return err
	})
	if err := world.KillPod(t.Context(), s.namespace, pod.Name, "other"); err == nil {
		t.Error("a container that is not there was killed")
	}
}

// TestAPowerCutIsHeardByNobody tells the life of a node that loses its power and gets it back.
func TestAPowerCutIsHeardByNobody(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 2, nil)
	address := s.balance("web", local, nil)
	lost := pods[0]
	name := lost.Spec.NodeName
	conn, err := net.Dial("tcp", lost.Status.PodIP+":8081")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	cut := time.Now()
	if err := world.StopNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Logf("power was cut in %s", time.Since(cut).Round(time.Millisecond))
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an open connection heard %v, want nothing at all", err)
	}
	eventually(t, 30*time.Second, "no more answers from "+name+" by the load balancer", func() error {
		for range 10 {
			got, err := ask(address)
			if err == nil && got.pod == lost.Name {
				err = fmt.Errorf("%w: a dead pod answers", errNotYet)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	t.Logf("the load balancer leads to the other node alone after %s", time.Since(cut).Round(time.Millisecond))
	eventually(t, 40*time.Second, "the lost pod not to be ready any more", func() error {
		return wanted(s.ready(lost.Name), corev1.ConditionFalse)
	})
	t.Logf("the pod was found lost after %s", time.Since(cut).Round(time.Millisecond))
	eventually(t, 60*time.Second, "another pod in place of the lost one", func() error {
		ready := 0
		for _, pod := range s.pods("web") {
			if pod.Name != lost.Name && pod.Spec.NodeName != name && s.ready(pod.Name) == corev1.ConditionTrue {
				ready++
			}
		}
		return wanted(ready, 2)
	})
	t.Logf("another pod was ready after %s", time.Since(cut).Round(time.Millisecond))

	back := time.Now()
	if err := world.StartNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s was ready again after %s", name, time.Since(back).Round(time.Millisecond))
	eventually(t, 60*time.Second, "the end of the lost pod", func() error {
		return wanted(strings.Contains(s.kubectl("get", "pods", "--output", "name"), lost.Name), false)
	})
	for _, pod := range s.deploy("new", 2, nil) {
		if got, err := ask(pod.Status.PodIP + ":8080"); err != nil || got.pod != pod.Name {
			t.Errorf("at %s: %v, %v", pod.Spec.NodeName, got, err)
		}
	}
}

// TestAShortPowerCut: the node comes back before anybody misses it, and so do its pods.
func TestAShortPowerCut(t *testing.T) {
	s := begin(t)
	pods := s.deploy("web", 2, nil)
	name := pods[0].Spec.NodeName
	if err := world.StopNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := world.StartNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "the same pod to run again", func() error {
		got, err := api.CoreV1().Pods(s.namespace).Get(t.Context(), pods[0].Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got.Status.ContainerStatuses[0].RestartCount == 0 {
			return errNotYet
		}
		_, err = ask(got.Status.PodIP + ":8080")
		return err
	})
	if err := world.StartNode(t.Context(), name); err == nil {
		t.Error("a node with power was started")
	}
}

// ready returns what a pod's condition of that name says; a pod that has gone is not ready.
func (s *scene) ready(pod string) corev1.ConditionStatus {
	got, err := api.CoreV1().Pods(s.namespace).Get(s.t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		return corev1.ConditionFalse
	}
	for _, condition := range got.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status
		}
	}
	return corev1.ConditionUnknown
}
