package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report writes the status of a pod where it differs from what the API server has.
func (n *Node) report(ctx context.Context, object *corev1.Pod, p *pod) error {
	n.mu.Lock()
	ready, killed := p.ready && !p.killed, p.killed
	n.mu.Unlock()
	updated := object.DeepCopy()
	status := &updated.Status
	status.Phase = corev1.PodRunning
	if killed {
		status.Phase, status.Reason = corev1.PodFailed, "Killed"
	}
	host := PodCIDR.Addr().Next()
	if !n.network.Isolated {
		host = n.network.Address
	}
	status.HostIP, status.HostIPs = host.String(), []corev1.HostIP{{IP: host.String()}}
	status.PodIP, status.PodIPs = p.address.String(), []corev1.PodIP{{IP: p.address.String()}}
	if status.StartTime == nil {
		now := metav1.Now()
		status.StartTime = &now
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized} {
		setCondition(status, kind, true)
	}
	for _, kind := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		setCondition(status, kind, ready)
	}
	status.ContainerStatuses = containerStatuses(object, ready, killed, *status.StartTime)
	if equality.Semantic.DeepEqual(&object.Status, status) {
		return nil
	}
	_, err := n.clients.CoreV1().Pods(object.Namespace).UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

// setCondition sets a condition, whose transition time changes only with its value.
func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, value bool) {
	want := corev1.ConditionFalse
	if value {
		want = corev1.ConditionTrue
	}
	for i := range status.Conditions {
		if one := &status.Conditions[i]; one.Type == kind {
			if one.Status != want {
				one.Status, one.LastTransitionTime = want, metav1.Now()
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: want, LastTransitionTime: metav1.Now()})
}

func containerStatuses(object *corev1.Pod, ready, killed bool, since metav1.Time) []corev1.ContainerStatus {
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}}
	if killed {
		// 137 is 128 + SIGKILL, what a container runtime reports.
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Killed", StartedAt: since}}
	}
	started := !killed
	var all []corev1.ContainerStatus
	for _, container := range object.Spec.Containers {
		all = append(all, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, Ready: ready, Started: &started, State: state,
		})
	}
	return all
}
