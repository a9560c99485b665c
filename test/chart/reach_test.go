package chart_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// right is a question to the API server: may the ServiceAccount of a release?
type right struct {
	verb, group, resource, namespace, name string
	may                                    bool
}

// rights are what a replica of a mode must be able to do, and what it must not.
func (m mode) rights() []right {
	release, served, other := m.name, m.served(), "kube-system"
	lease, tickets := "fl-"+m.name+"-fairlead-leader", "fl-"+m.name+"-fairlead-tickets"
	list := []right{
		{"list", "networking.k8s.io", "ingresses", served, "", true},
		{"watch", "fairlead.dev", "websocketroutes", served, "", true},
		{"list", "", "services", served, "", true},
		{"watch", "discovery.k8s.io", "endpointslices", served, "", true},
		{"patch", "networking.k8s.io", "ingresses/status", served, "", true},
		{"patch", "fairlead.dev", "websocketroutes/status", served, "", true},
		{"create", "events.k8s.io", "events", served, "", true},
		{"update", "coordination.k8s.io", "leases", release, lease, true},
		{"update", "", "secrets", release, tickets, true},
		{"list", "", "pods", release, "", true},

		{"list", "", "secrets", served, "", m.may.secrets},
		{"watch", "", "configmaps", served, "", m.may.secrets},
		{"list", "", "secrets", other, "", m.may.secrets && m.may.everywhere},
		{"list", "networking.k8s.io", "ingresses", other, "", m.may.everywhere},
		{"patch", "networking.k8s.io", "ingresses/status", other, "", m.may.everywhere},
		{"list", "networking.k8s.io", "ingressclasses", "", "", m.may.outsideOfThem},
		{"get", "", "nodes", "", nodeName, m.may.outsideOfThem},
		{"watch", "", "namespaces", "", "", m.may.namespaces},

		{"list", "", "nodes", "", "", false},
		{"update", "coordination.k8s.io", "leases", other, "kube-scheduler", false},
		{"list", "", "pods", served, "", false},
		{"update", "", "secrets", release, "of-somebody-else", false},
	}
	// Objects are read and reported on, never changed; and nothing leads to other rights.
	for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
		list = append(list,
			right{verb, "networking.k8s.io", "ingresses", served, "", false},
			right{verb, "networking.k8s.io", "ingressclasses", "", "", false},
			right{verb, "fairlead.dev", "websocketroutes", served, "", false},
			right{verb, "", "services", served, "", false},
			right{verb, "", "secrets", served, "", false},
			right{verb, "", "configmaps", served, "", false},
			right{verb, "", "pods", release, "", false},
			right{verb, "apps", "deployments", release, "", false},
			right{verb, "rbac.authorization.k8s.io", "clusterroles", "", "", false},
			right{verb, "rbac.authorization.k8s.io", "rolebindings", release, "", false},
			right{verb, "apiextensions.k8s.io", "customresourcedefinitions", "", "", false},
		)
	}
	for _, resource := range []string{"pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"} {
		list = append(list, right{"create", "", resource, release, "", false})
	}
	return append(list, right{"impersonate", "", "users", "", "", false}, right{"escalate", "rbac.authorization.k8s.io", "roles", release, "", false})
}

// checkReach asks the API server, as `kubectl auth can-i` does, about the ServiceAccount of a release, and looks that
// each role says what it is for.
func checkReach(t *testing.T, m mode, objects []*unstructured.Unstructured) {
	t.Helper()
	account := podOf(t, objects).Spec.ServiceAccountName
	for _, r := range m.rights() {
		resource, sub, _ := strings.Cut(r.resource, "/")
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + m.name + ":" + account,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + m.name, "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: r.verb, Group: r.group, Resource: resource, Subresource: sub, Namespace: r.namespace, Name: r.name,
			},
		}}
		if err := plane.Client.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != r.may {
			t.Errorf("%s %s %s in namespace %q: %v, want %v", r.verb, r.resource, r.name, r.namespace, review.Status.Allowed, r.may)
		}
	}
	for _, object := range objects {
		if object.GetKind() == "ClusterRole" && !m.may.everywhere {
			checkTiny(t, convert[rbacv1.ClusterRole](t, object))
		}
	}
}

// checkTiny checks the ClusterRole of a release that serves some namespaces only.
func checkTiny(t *testing.T, role *rbacv1.ClusterRole) {
	t.Helper()
	var got []string
	for _, rule := range role.Rules {
		got = append(got, fmt.Sprint(rule.Verbs, rule.Resources, rule.NonResourceURLs))
	}
	slices.Sort(got)
	want := []string{"[get] [] [/readyz]", "[get] [nodes] []", "[list watch] [ingressclasses] []"}
	if !slices.Equal(got, want) {
		t.Errorf("ClusterRole %s allows %q, want %q", role.Name, got, want)
	}
}

// TestEachRoleSaysWhy: whoever reviews the roles reads the reasons in them.
func TestEachRoleSaysWhy(t *testing.T) {
	roles := 0
	for _, args := range [][]string{nil, {"--set", "watch.namespaces={a,b}"}, {"--set", "watch.namespaceSelector=team"}, {"--set", "rbac.readSecrets=false,tls.defaultCertificate=a/b"}} {
		text := helm(t, append([]string{"template", "fairlead", chart}, args...)...)
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if line != "rules:" || !strings.Contains(strings.Join(lines[max(0, i-16):i], "\n"), "rbac.authorization.k8s.io") {
				continue
			}
			roles++
			if !strings.HasPrefix(lines[i+1], "# ") {
				t.Errorf("with %q a role begins without a reason: %s", args, strings.Join(lines[i:i+3], " "))
			}
		}
	}
	if roles < 8 {
		t.Errorf("%d roles seen", roles)
	}
}
