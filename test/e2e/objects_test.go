package e2e_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/test/pki"
)

// namespace makes a namespace for the test, and deletes it with all it holds at the end.
func namespace(t *testing.T) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	must(t, plane.Client.Create(t.Context(), ns))
	t.Cleanup(func() {
		// The test's context is over. The namespace's content goes later, by the real controllers.
		if err := plane.Client.Delete(context.WithoutCancel(t.Context()), ns); err != nil {
			t.Error(err)
		}
	})
	return ns.Name
}

// apply applies manifests, in which %[1]s is the namespace.
func apply(t *testing.T, manifests, ns string) {
	t.Helper()
	must(t, plane.ApplyYAML(t.Context(), strings.NewReader(fmt.Sprintf(manifests, ns))))
}

// chatManifests is a chat server of some pods. A pod that goes serves on for a second before it says goodbye.
const chatManifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: %[1]s}
spec:
  replicas: 4
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      terminationGracePeriodSeconds: 20
      containers:
      - name: chat
        image: chat
        ports: [{name: ws, containerPort: 8080}]
        lifecycle: {preStop: {sleep: {seconds: 1}}}
---
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: %[1]s}
spec:
  selector: {app: chat}
  ports: [{name: ws, port: 80, targetPort: ws}]
`

const ingressManifest = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: %[1]s
  annotations: {nginx.ingress.kubernetes.io/ssl-redirect: "false"}
spec:
  ingressClassName: fairlead
  tls: [{hosts: [web.%[1]s.test], secretName: web}]
  rules:
  - host: web.%[1]s.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: ws}}}}]}
`

const routeManifest = `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: sockets, namespace: %[1]s}
spec:
  ingressClassName: fairlead
  hosts: [sockets.%[1]s.test]
  rules:
  - name: main
    matches: [{path: {type: Prefix, value: /socket}}]
    backends: [{name: chat, port: 80}]
`

// The hosts of the manifests. Each namespace has its own: between two objects that claim the same one, the older wins.
func webHost(ns string) string    { return "web." + ns + ".test" }
func socketHost(ns string) string { return "sockets." + ns + ".test" }

// The IDs under which the manifests' routes are published.
func ingressRoute(ns string) string { return "ingress/" + ns + "/web/" + webHost(ns) + "/" }
func socketRoute(ns string) string  { return "wsr/" + ns + "/sockets/main" }

// merge patches a field of an object.
func merge(t *testing.T, object client.Object, patch string) {
	t.Helper()
	must(t, plane.Client.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))))
}

func ingress(ns, name string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
}

func webSocketRoute(ns, name string) *v1alpha1.WebSocketRoute {
	return &v1alpha1.WebSocketRoute{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
}

func annotate(t *testing.T, object client.Object, key, value string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{key: value}}})
	must(t, err)
	merge(t, object, string(patch))
}

func scale(t *testing.T, ns string, replicas int) {
	t.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "chat"}}
	merge(t, deployment, fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas))
}

// numbered puts a number into manifests, where they say NUMBER.
func numbered(manifests string, number int) string {
	return strings.ReplaceAll(manifests, "NUMBER", strconv.Itoa(number))
}

// livingPods returns the pods that are not being deleted.
func livingPods(t *testing.T, ns string) map[string]bool {
	t.Helper()
	var pods corev1.PodList
	must(t, plane.Client.List(t.Context(), &pods, client.InNamespace(ns)))
	living := make(map[string]bool)
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			living[pod.Name] = true
		}
	}
	return living
}

// writeCertificate writes a self-signed certificate with that serial number into the Secret web.
func writeCertificate(t *testing.T, ns string, serial int64) {
	t.Helper()
	pair := (*pki.Authority)(nil).Issue(t, &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{webHost(ns)}})
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: pair.CertPEM(), corev1.TLSPrivateKeyKey: pair.KeyPEM(t)},
	}
	err := plane.Client.Update(t.Context(), secret)
	if client.IgnoreNotFound(err) == nil && err != nil {
		err = plane.Client.Create(t.Context(), secret)
	}
	must(t, err)
}
