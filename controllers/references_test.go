package controllers

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// as makes the replicas of the tenant work as a user who may do what the rules of the cluster say; may
// adds rules of namespaces.
func (n *tenant) as(user string, rules ...rbacv1.PolicyRule) {
	n.t.Helper()
	name := n.name + "-" + user
	meta := metav1.ObjectMeta{Name: name}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	n.create(&rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules},
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}})
	n.config = rest.CopyConfig(n.Config)
	n.config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
}

// may lets a user do more in one namespace.
func (n *tenant) may(user, namespace string, rules ...rbacv1.PolicyRule) {
	n.t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: user}
	n.create(&rbacv1.Role{ObjectMeta: meta, Rules: rules}, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
	})
}

func allow(group, resources string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: strings.Split(resources, ","), Verbs: verbs}
}

// read are the rights that a replica needs to serve without TLS, and report those to tell of it.
var (
	read = []rbacv1.PolicyRule{
		allow("networking.k8s.io", "ingresses", "list", "watch"), allow("fairlead.dev", "websocketroutes", "list", "watch"),
		allow("", "services", "list", "watch"), allow("discovery.k8s.io", "endpointslices", "list", "watch"),
	}
	report = []rbacv1.PolicyRule{
		allow("events.k8s.io", "events", "create", "patch"), allow("networking.k8s.io", "ingresses/status", "patch"),
		allow("fairlead.dev", "websocketroutes/status", "patch"), allow("coordination.k8s.io", "leases", "get", "create", "update"),
	}
	classes = allow("networking.k8s.io", "ingressclasses", "list", "watch")
)

// certified waits until the replica shows a certificate of its own for a host, or none for want "".
func (r *replica) certified(host, want string) {
	r.t.Helper()
	eventually(r.t, func() string {
		if got := r.shows(host); got != want {
			return fmt.Sprintf("%s shows the certificate of %q, want %q", host, got, want)
		}
		return ""
	})
}

// shows returns the host for which the replica's certificate for a host is; "": it shows none.
func (r *replica) shows(host string) string {
	r.t.Helper()
	_, address, _ := r.Addrs()
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(r.t.Context(), "tcp", address.String())
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	names := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames
	return strings.Join(names, " ")
}

func (n *tenant) namespace(suffix string) string {
	n.t.Helper()
	name := n.name + "-" + suffix
	n.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	return name
}

// in returns a tenant that works in another namespace with the same class.
func (n *tenant) in(namespace string) *tenant {
	other := *n
	other.name = namespace
	return &other
}

// secure returns an Ingress of the class of n in the namespace of other, with TLS.
func (n *tenant) secure(other *tenant, name, host string) *networkingv1.Ingress {
	i := other.ingress(name, host, "chat")
	i.Spec.IngressClassName = &n.name
	i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: name}}
	return i
}

// Where Secrets must not be read a replica serves the rest, tells the owner which Role is missing, and
// notices when it is there. A right to one name is enough.
func TestASecretThatMustNotBeReadCostsItselfOnly(t *testing.T) {
	n := newTenant(t, "forbidden")
	shut, narrow := n.in(n.namespace("shut")), n.in(n.namespace("narrow"))
	n.as("forbidden-reader", slices.Concat(read, report, []rbacv1.PolicyRule{classes})...)
	secrets := allow("", "secrets", "list", "watch")
	n.may("forbidden-reader", n.name, secrets)
	named := secrets
	named.ResourceNames = []string{"web"}
	n.may("forbidden-reader", narrow.name, named)
	for _, of := range []*tenant{n, shut, narrow} {
		of.service("chat")
		host := of.name + ".example.com"
		n.create(n.secure(of, "web", host), n.certificate(of.name, "web", host))
	}

	began := time.Now()
	r := n.start(Options{PublishAddresses: []string{"192.0.2.1"}})
	r.ready()
	if took := time.Since(began); took > firstPatience {
		t.Errorf("ready after %s", took)
	}
	if got := r.shows(n.name + ".example.com"); got != n.name+".example.com" {
		t.Errorf("a replica is ready without the certificate that it may read, and shows %q", got)
	}
	if got := r.shows(narrow.name + ".example.com"); got != narrow.name+".example.com" {
		t.Errorf("a right to the name is not enough: it shows %q", got)
	}
	r.certified(shut.name+".example.com", "")
	shut.tells("web", "Warning InvalidCertificateRef spec.tls[0].secretName")
	said := strings.Join(shut.told("web"), "\n")
	for _, part := range []string{"forbidden-reader", "Role in namespace " + shut.name, "secrets", "[web]"} {
		if !strings.Contains(said, part) {
			t.Errorf("the owner is not told %q: %s", part, said)
		}
	}

	n.may("forbidden-reader", shut.name, named)
	r.certified(shut.name+".example.com", shut.name+".example.com")

	// What is rotated is noticed where only a name is watched, too.
	fresh := n.certificate(shut.name, "web", "rotated.example.com")
	if err := n.Client.Update(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	r.certified(shut.name+".example.com", "rotated.example.com")
}

// A host is never published without its certificate, be its Secret in a namespace that is watched already
// or not, and what is not referred to any more is forgotten.
func TestNoHostIsServedBeforeItsCertificate(t *testing.T) {
	n := newTenant(t, "complete")
	n.service("chat")
	r := n.start(Options{})
	r.ready()
	for i := range 10 {
		host := fmt.Sprintf("h%d.example.com", i)
		n.create(n.certificate(n.name, fmt.Sprintf("web-%d", i), host))
		n.create(n.secure(n, fmt.Sprintf("web-%d", i), host))
		r.routed(host)
		if got := r.shows(host); got != host {
			t.Errorf("%s is served with the certificate of %q", host, got)
		}
	}
	if err := n.Client.Delete(t.Context(), &corev1.Secret{ObjectMeta: n.meta("web-3")}); err != nil {
		t.Fatal(err)
	}
	r.certified("h3.example.com", "")
	n.create(n.certificate(n.name, "web-3", "h3.example.com"))
	r.certified("h3.example.com", "h3.example.com")
}

// routed waits until a host has a route, whatever it answers.
func (r *replica) routed(host string) {
	r.t.Helper()
	eventually(r.t, func() string {
		if table := r.admin("/routes"); !strings.Contains(table, host) {
			return host + " has no route"
		}
		return ""
	})
}

// The parameters of a class are a ConfigMap: it is read when the class names it, and what changes in it,
// and in the class, counts.
func TestParametersOfAClassAreFollowed(t *testing.T) {
	n := newTenant(t, "parameters")
	n.service("chat")
	n.create(n.ingress("web", "web.example.com", "chat"))
	r := n.start(Options{})
	r.answers("web.example.com", "200 chat")

	class := &networkingv1.IngressClass{}
	if err := n.Client.Get(t.Context(), client.ObjectKey{Name: n.name}, class); err != nil {
		t.Fatal(err)
	}
	namespaced := networkingv1.IngressClassParametersReferenceScopeNamespace
	class.Spec.Parameters = &networkingv1.IngressClassParametersReference{Kind: "ConfigMap", Name: "defaults", Namespace: &n.name, Scope: &namespaced}
	if err := n.Client.Update(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if r.log.count("there is no ConfigMap "+n.name+"/defaults") != 1 {
			return "nobody says that the ConfigMap is missing"
		}
		return ""
	})
	defaults := &corev1.ConfigMap{ObjectMeta: n.meta("defaults"), Data: map[string]string{"denylist-source-range": "0.0.0.0/0"}}
	n.create(defaults)
	r.answers("web.example.com", "403")
	defaults.Data = nil
	if err := n.Client.Update(t.Context(), defaults); err != nil {
		t.Fatal(err)
	}
	r.answers("web.example.com", "200 chat")
}
