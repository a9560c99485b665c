package chart_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/pki"
)

// mode is a width of rights that values can give. In each, namespace "<name>-web" is served.
type mode struct {
	name, values string
	may          reach
	// refused are the resources that the replica asks for in vain, and says so in its log.
	refused []string
}

// reach is how far the rights of a mode go.
type reach struct {
	everywhere    bool // objects, in all namespaces
	secrets       bool // Secrets and ConfigMaps too, wherever objects are; otherwise the test grants the one that is needed
	namespaces    bool // namespaces
	outsideOfThem bool // what has no namespace
}

var modes = []mode{
	{name: "wide", may: reach{everywhere: true, secrets: true, outsideOfThem: true}},
	{name: "selected", values: "watch.namespaceSelector=kubernetes.io/metadata.name=selected-web", may: reach{everywhere: true, secrets: true, namespaces: true, outsideOfThem: true}},
	{name: "by-name", values: "rbac.readSecrets=false", may: reach{everywhere: true, outsideOfThem: true}},
	{name: "some", values: "watch.namespaces={some-web}", may: reach{secrets: true, outsideOfThem: true}},
	{name: "some-only", values: "watch.namespaces={some-only-web},rbac.readClusterObjects=false", may: reach{secrets: true}, refused: []string{"ingressclasses", "nodes"}},
	{name: "some-by-name", values: "watch.namespaces={some-by-name-web},rbac.readSecrets=false", may: reach{outsideOfThem: true}},
}

// TestRightsSuffice installs the chart in each mode, and runs a replica with the rights that it got: it becomes ready,
// serves a wss host with a certificate from a Secret, writes the status and an Event, and takes the status back. What it
// is refused it would log.
func TestRightsSuffice(t *testing.T) {
	installCRD(t)
	makeNode(t)
	echo := startEcho(t)
	t.Run("modes", func(t *testing.T) {
		for _, mode := range modes {
			t.Run(mode.name, func(t *testing.T) {
				t.Parallel()
				web := mode.served()
				makeNamespace(t, mode.name, "restricted")
				makeNamespace(t, web, "restricted")
				values := "crds.install=false,ingressClass.name=" + mode.name + ",ingressClass.controllerValue=fairlead.dev/" + mode.name + "," + mode.values
				objects := install(t, mode.name, "", "--namespace", mode.name, "--set", strings.TrimSuffix(values, ","))
				trusted := applyWeb(t, web, mode.name, echo)
				checkReach(t, mode, objects)
				if !mode.may.secrets {
					grant(t, web, mode.name, objects)
				}
				balance(t, objects)
				r := startReplica(t, objects)
				checkServed(t, r, web, trusted)
				r.stop(t)
				checkRefused(t, r, mode.refused)
				ingress := &networkingv1.Ingress{}
				if err := plane.Client.Get(t.Context(), types.NamespacedName{Namespace: web, Name: "web"}, ingress); err != nil {
					t.Fatal(err)
				}
				if left := ingress.Status.LoadBalancer.Ingress; len(left) > 0 {
					t.Errorf("the last replica has gone, and the status still says %v", left)
				}
			})
		}
	})
}

func (m mode) served() string { return m.name + "-web" }

// checkServed waits until a client gets through, and owners are told what became of their objects.
func checkServed(t *testing.T, r *replica, web string, trusted *tls.Config) {
	t.Helper()
	eventually(t, "a socket is served", func(ctx context.Context) error { return r.talk(ctx, "web."+web+".test", trusted) })
	eventually(t, "the status has the Service's address", func(ctx context.Context) error {
		ingress := &networkingv1.Ingress{}
		err := plane.Client.Get(ctx, types.NamespacedName{Namespace: web, Name: "web"}, ingress)
		if got := ingress.Status.LoadBalancer.Ingress; err == nil && (len(got) != 1 || got[0].IP != "192.0.2.1") {
			err = fmt.Errorf("status %v", got)
		}
		return err
	})
	eventually(t, "the owner of a mistake is told", func(ctx context.Context) error {
		var events corev1.EventList
		if err := plane.Client.List(ctx, &events, client.InNamespace(web)); err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.InvolvedObject.Name == "mistaken" && event.Reason == "BackendNotFound" {
				return nil
			}
		}
		return fmt.Errorf("%d Events, none of them", len(events.Items))
	})
}

// checkRefused compares the resources that the API server refused to a replica with those that were to be refused.
func checkRefused(t *testing.T, r *replica, want []string) {
	t.Helper()
	log, err := os.ReadFile(r.Log)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, match := range regexp.MustCompile(`cannot [a-z]+ resource \\?"([a-z/]+)\\?"`).FindAllSubmatch(log, -1) {
		got = append(got, string(match[1]))
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("the replica was refused %q, want %q", got, want)
	}
}

// webManifests are an application's: %[1]s is the namespace, %[2]s the class.
const webManifests = `
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: %[1]s}
spec: {ports: [{name: ws, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: %[1]s}
spec:
  ingressClassName: %[2]s
  tls: [{hosts: [web.%[1]s.test], secretName: web}]
  rules:
  - host: web.%[1]s.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {name: ws}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: mistaken, namespace: %[1]s}
spec:
  ingressClassName: %[2]s
  rules:
  - host: mistaken.%[1]s.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: nobody, port: {number: 80}}}}]}
`

// applyWeb makes an application whose only endpoint is echo, and returns whom its clients trust.
func applyWeb(t *testing.T, namespace, class string, echo netip.AddrPort) *tls.Config {
	t.Helper()
	authority := pki.New(t, "authority of "+namespace)
	pair := authority.For(t, "web", "web."+namespace+".test")
	name, port := "ws", int32(echo.Port())
	for _, object := range []client.Object{
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}, Type: corev1.SecretTypeTLS,
			Data: map[string][]byte{corev1.TLSCertKey: pair.CertPEM(), corev1.TLSPrivateKeyKey: pair.KeyPEM(t)},
		},
		&discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "echo", Labels: map[string]string{discoveryv1.LabelServiceName: "echo"}},
			AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{echo.Addr().String()}}},
			Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		},
	} {
		if err := plane.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	if err := plane.ApplyYAML(t.Context(), strings.NewReader(fmt.Sprintf(webManifests, namespace, class))); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}
}

// grant does what a user does who leaves rbac.readSecrets out: docs/cluster.md has the same Role.
func grant(t *testing.T, namespace, home string, objects []*unstructured.Unstructured) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "reads-web"}
	account := podOf(t, objects).Spec.ServiceAccountName
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"web"}, Verbs: []string{"list", "watch"}},
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: home, Name: account}},
		},
	} {
		if err := plane.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// balance gives the Service of a release the address of a load balancer, as a cloud does.
func balance(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == "Service" && object.GetLabels()["app.kubernetes.io/component"] == "controller" {
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
			patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`))
			if err := plane.Client.Status().Patch(t.Context(), service, patch); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// installCRD applies the CRD as a user does who sets crds.install=false.
func installCRD(t *testing.T) {
	t.Helper()
	if err := plane.Apply(t.Context(), filepath.Join(root, "config", "crd", "bases")); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Kubectl(t.Context(), "wait", "--for=condition=established", "crd/websocketroutes.fairlead.dev"); err != nil {
		t.Fatal(err)
	}
}

// kindOf returns the first object of a kind.
func kindOf(t *testing.T, objects []*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	t.Helper()
	index := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind })
	if index < 0 {
		t.Fatal(errors.New("there is no " + kind))
	}
	return objects[index]
}
