package chart_test

import (
	"context"
	"fmt"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestWhoMayWriteIngressesMayWriteRoutes: by the roles that every cluster has, without another binding.
func TestWhoMayWriteIngressesMayWriteRoutes(t *testing.T) {
	withoutCRD(t)
	const namespace = "users"
	makeNamespace(t, namespace, "restricted")
	helm(t, "install", "fairlead", chart, "--namespace", namespace)
	t.Cleanup(func() {
		if _, err := tryHelm(context.Background(), "uninstall", "fairlead", "--namespace", namespace, "--no-hooks"); err != nil {
			t.Error(err)
		}
	})
	for _, role := range []string{"view", "edit", "admin"} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "who-may-" + role}},
		}
		if err := plane.Client.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
	}
	may := func(ctx context.Context, role, verb, resource, in string) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "who-may-" + role,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: verb, Group: "fairlead.dev", Resource: "websocketroutes", Subresource: resource, Namespace: in,
			},
		}}
		err := plane.Client.Create(ctx, review)
		return review.Status.Allowed, err
	}
	eventually(t, "roles of the cluster know WebSocketRoutes", func(ctx context.Context) error {
		for _, right := range []struct {
			role, verb, sub, in string
			want                bool
		}{
			{"view", "list", "", namespace, true}, {"view", "create", "", namespace, false},
			{"edit", "create", "", namespace, true}, {"edit", "watch", "", namespace, true},
			{"admin", "delete", "", namespace, true}, {"admin", "get", "", namespace, true},
			{"admin", "patch", "status", namespace, false}, {"admin", "create", "", "default", false},
		} {
			if got, err := may(ctx, right.role, right.verb, right.sub, right.in); err != nil || got != right.want {
				return fmt.Errorf("%+v: got %v, %v", right, got, err) //nolint:errorlint // there may be none
			}
		}
		return nil
	})
}
