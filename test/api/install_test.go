package api_test

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// TestInstallingIsOneCommandWithoutWarning: the namespace asks for the restricted Pod Security
// Standard, so a Deployment that is not up to it would be warned of.
func TestInstallingIsOneCommandWithoutWarning(t *testing.T) {
	if strings.Contains(installed, "Warning") {
		t.Errorf("kubectl apply -k config/default warns:\n%s", installed)
	}
	for _, kind := range []string{"namespace", "customresourcedefinition", "clusterrole", "ingressclass", "deployment", "service", "poddisruptionbudget"} {
		if !strings.Contains(installed, kind) {
			t.Errorf("no %s was applied:\n%s", kind, installed)
		}
	}
	if out, err := kubectl("apply", "-k", "../../config/default"); err != nil {
		t.Errorf("a second time: %v\n%s", err, out)
	}
	var deployment appsv1.Deployment
	if err := api.Get(deadline(t), client.ObjectKey{Namespace: "fairlead-system", Name: "fairlead"}, &deployment); err != nil {
		t.Fatal(err)
	}
	if deployment.Generation != 1 {
		t.Errorf("applying the same again changed the Deployment: generation %d", deployment.Generation)
	}
}

// TestTheServiceAccountMayDoItsWorkAndNoMore acts as the installed ServiceAccount.
func TestTheServiceAccountMayDoItsWorkAndNoMore(t *testing.T) {
	ctx := deadline(t)
	account := serviceAccount(t)
	route := &v1alpha1.WebSocketRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rbac"}, Spec: completeSpec()}
	create(t, route)
	ingress := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rbac"},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "chat", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}
	create(t, ingress)
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rbac"}, EventTime: metav1.NowMicro(),
		Type: "Warning", Reason: string(v1alpha1.ReasonConflicted), Action: "Translate", Note: "for a test",
		ReportingController: "fairlead.dev/ingress-controller", ReportingInstance: "test",
		Regarding: corev1.ObjectReference{Kind: "Ingress", Namespace: "default", Name: "rbac", APIVersion: "networking.k8s.io/v1"},
	}
	lease := func(namespace string) *coordinationv1.Lease {
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "rbac"}} // that of the replicas is there
	}
	own := lease("fairlead-system")
	createLease := account.Create(ctx, own)
	merge := client.RawPatch("application/merge-patch+json", []byte(`{"status":{}}`))
	label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`))

	may := map[string]error{
		"list IngressClasses":           account.List(ctx, &networkingv1.IngressClassList{}),
		"list Ingresses":                account.List(ctx, &networkingv1.IngressList{}),
		"list WebSocketRoutes":          account.List(ctx, &v1alpha1.WebSocketRouteList{}),
		"list Services":                 account.List(ctx, &corev1.ServiceList{}),
		"list Secrets":                  account.List(ctx, &corev1.SecretList{}),
		"list ConfigMaps":               account.List(ctx, &corev1.ConfigMapList{}),
		"list EndpointSlices":           account.List(ctx, &discoveryv1.EndpointSliceList{}),
		"patch an Ingress' status":      account.Status().Patch(ctx, ingress, merge),
		"patch a WebSocketRoute status": account.Status().Patch(ctx, route, merge),
		"write an Event":                account.Create(ctx, event),
		"create its Lease":              createLease,
		"read its Lease":                account.Get(ctx, client.ObjectKeyFromObject(own), &coordinationv1.Lease{}),
		"update its Lease":              account.Update(ctx, own),
	}
	for what, err := range may {
		if err != nil {
			t.Errorf("it must be able to %s: %v", what, err)
		}
	}
	mayNot := map[string]error{
		"take a Lease elsewhere":  account.Create(ctx, lease("default")),
		"change an Ingress":       account.Patch(ctx, ingress, label),
		"change a WebSocketRoute": account.Patch(ctx, route, label),
		"delete a WebSocketRoute": account.Delete(ctx, route),
		"write Secrets":           account.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rbac"}}),
		"list Pods":               account.List(ctx, &corev1.PodList{}),
		"write ConfigMaps":        account.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rbac"}}),
	}
	for what, err := range mayNot {
		if !apierrors.IsForbidden(err) {
			t.Errorf("it must not be able to %s: %v", what, err)
		}
	}
	t.Cleanup(func() {
		for _, o := range []client.Object{event, own} {
			if err := api.Delete(context.Background(), o); err != nil {
				t.Error(err)
			}
		}
	})
}

// serviceAccount is a client with the rights that config/rbac gives to Fairlead's pods.
func serviceAccount(t *testing.T) client.Client {
	t.Helper()
	config := rest.CopyConfig(restConfig)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:fairlead-system:fairlead",
		Groups:   []string{"system:serviceaccounts", "system:authenticated"},
	}
	account, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// TestSamplesAreTaken applies config/samples as the README of a cluster would say.
func TestSamplesAreTaken(t *testing.T) {
	out, err := kubectl("apply", "-k", "../../config/samples", "--dry-run=server", "--validate=strict")
	if err != nil || strings.Contains(out, "Warning") {
		t.Errorf("%v\n%s", err, out)
	}
}
