package nodes_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// witnessImage is that of test/nodes/witness.
const witnessImage = "localhost/witness:1"

// scene is a namespace of its own, which ends with the story.
type scene struct {
	t         *testing.T
	namespace string
}

// begin makes a scene whose pods are held to the strictest of the Pod Security Standards.
func begin(t *testing.T) *scene {
	t.Helper()
	return beginWith(t, "restricted")
}

func beginWith(t *testing.T, standard string) *scene {
	t.Helper()
	made, err := api.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "story-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": standard},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			out, err := world.Kubectl(ctx, "get", "pods,endpointslices,events", "--namespace", made.Name, "--output", "wide")
			t.Logf("what there was:\n%s%v", out, err)
		}
		if err := api.CoreV1().Namespaces().Delete(ctx, made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return &scene{t: t, namespace: made.Name}
}

// deploy starts witnesses that share a name, and waits until all of them are ready.
func (s *scene) deploy(name string, replicas int32, change func(*corev1.PodSpec)) []corev1.Pod {
	s.t.Helper()
	labels := map[string]string{"app": name}
	pod := corev1.PodSpec{
		TerminationGracePeriodSeconds: ptr.To(int64(5)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		// One on each node, as far as there are any.
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
		}},
		Containers: []corev1.Container{{
			Name: "witness", Image: witnessImage, Env: []corev1.EnvVar{{Name: "VERSION", Value: "v1"}},
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "echo", ContainerPort: 8081}},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
				HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")},
			}},
			// Time for those who route to learn that it goes.
			Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 2}}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if change != nil {
		change(&pod)
	}
	_, err := api.AppsV1().Deployments(s.namespace).Create(s.t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.kubectl("rollout", "status", "deployment/"+name, "--timeout", "90s")
	return s.pods(name)
}

// pods returns those witnesses of a name that are not on their way out.
func (s *scene) pods(name string) []corev1.Pod {
	s.t.Helper()
	all, err := api.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		s.t.Fatal(err)
	}
	var living []corev1.Pod
	for _, pod := range all.Items {
		if pod.DeletionTimestamp == nil {
			living = append(living, pod)
		}
	}
	return living
}

// expose makes a Service before the witnesses of its name. The ports are 80 for HTTP and 81 for the echo.
func (s *scene) expose(name string, change func(*corev1.Service)) *corev1.Service {
	s.t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": name},
			Ports: []corev1.ServicePort{
				{Name: "http", Port: 80, TargetPort: intstr.FromString("http")},
				{Name: "echo", Port: 81, TargetPort: intstr.FromString("echo")},
			},
		},
	}
	if change != nil {
		change(service)
	}
	made, err := api.CoreV1().Services(s.namespace).Create(s.t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// balance makes a Service of type LoadBalancer and returns its address.
func (s *scene) balance(name string, policy corev1.ServiceExternalTrafficPolicy, annotations map[string]string) string {
	s.t.Helper()
	s.expose(name, func(service *corev1.Service) {
		service.Annotations = annotations
		service.Spec.Type, service.Spec.ExternalTrafficPolicy = corev1.ServiceTypeLoadBalancer, policy
	})
	var address string
	eventually(s.t, 10*time.Second, "an address of "+name, func() error {
		got, err := api.CoreV1().Services(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
		if err == nil && len(got.Status.LoadBalancer.Ingress) == 0 {
			err = errNotYet
		}
		if err == nil {
			address = got.Status.LoadBalancer.Ingress[0].IP
		}
		return err
	})
	return address
}

func (s *scene) kubectl(args ...string) string {
	s.t.Helper()
	out, err := world.Kubectl(s.t.Context(), append([]string{"--namespace", s.namespace}, args...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// testimony is what a witness says of itself.
type testimony struct{ pod, version, client string }

// ask asks whoever is at an address of the world, with a connection of its own.
func ask(address string) (testimony, error) {
	said, err := get("http://" + address + "/")
	if err != nil {
		return testimony{}, err
	}
	return parse(said)
}

// askThrough lets a pod ask.
func askThrough(pod corev1.Pod, address string) (testimony, error) {
	said, err := get("http://" + pod.Status.PodIP + ":8080/fetch?url=" + url.QueryEscape("http://"+address+"/"))
	if err != nil {
		return testimony{}, fmt.Errorf("through %s on %s: %w", pod.Name, pod.Spec.NodeName, err)
	}
	return parse(said)
}

func parse(said string) (testimony, error) {
	words := strings.Fields(said)
	if len(words) != 3 {
		return testimony{}, fmt.Errorf("it says %q", said)
	}
	return testimony{words[0], words[1], words[2]}, nil
}

var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func get(address string) (string, error) {
	answer, err := client.Get(address)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", address, answer.Status, said)
	}
	return string(said), err
}
