package translate

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy/model"
)

func TestNothingGivesNothing(t *testing.T) {
	config, report := Build(&snapshot.Snapshot{}, Options{})
	if !reflect.DeepEqual(config, model.Config{}) || !reflect.DeepEqual(report, &Report{}) {
		t.Errorf("got %+v and %+v", config, report)
	}
}

// The schema of the API refuses these values. Should they come all the same, as from an older
// schema, they cost no more than themselves.
func TestValuesThatNoSchemaHasSeen(t *testing.T) {
	route := &v1alpha1.WebSocketRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "chat"},
		Spec: v1alpha1.WebSocketRouteSpec{
			IngressClassName: new("fairlead"),
			Policy:           &v1alpha1.Policy{Timeouts: &v1alpha1.Timeouts{Idle: "3600", Connect: "2s"}, Keepalive: &v1alpha1.Keepalive{Interval: "30s", Timeout: "5ms"}},
			Rules: []v1alpha1.Rule{{
				Matches: []v1alpha1.Match{
					{Path: &v1alpha1.PathMatch{Type: v1alpha1.PathRegularExpression, Value: "/("}},
					{Path: &v1alpha1.PathMatch{Type: v1alpha1.PathExact, Value: "no-slash"}},
					{Path: &v1alpha1.PathMatch{Type: v1alpha1.PathExact, Value: "/ok"}},
				},
				Backends: []v1alpha1.Backend{{Name: "chat", Port: intstr.FromInt32(80)}},
				Policy: &v1alpha1.Policy{
					Keepalive: &v1alpha1.Keepalive{Timeout: "5", Peers: "Nobody"},
					Balance:   &v1alpha1.Balance{StickyCookie: &v1alpha1.StickyCookie{MaxAge: "x"}},
					Drain:     &v1alpha1.Drain{Spread: "soon"},
				},
			}},
		},
	}
	config, report := Build(&snapshot.Snapshot{
		IngressClasses:  []*networkingv1.IngressClass{ourClass()},
		WebSocketRoutes: []*v1alpha1.WebSocketRoute{route},
		Services:        []*corev1.Service{service("chat")},
	}, Options{})

	want := []string{
		"spec.policy.timeouts.idle", "spec.policy.keepalive.timeout",
		"spec.rules[0].policy.keepalive.timeout", "spec.rules[0].policy.balance.stickyCookie.maxAge", "spec.rules[0].policy.drain.spread",
		"spec.rules[0].matches[0].path.value", "spec.rules[0].matches[1].path.value",
	}
	var got []string
	for _, p := range report.Objects[0].Problems {
		got = append(got, p.Field)
		if p.Reason != v1alpha1.ReasonInvalid {
			t.Errorf("reason %s of %s", p.Reason, p.Field)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("problems of %v\nwant %v", got, want)
	}
	if len(config.Routes) != 1 || len(config.Routes[0].Matches) != 1 {
		t.Fatalf("routes %+v, want one with one match", config.Routes)
	}
	if r := config.Routes[0]; r.Timeouts.Idle != 0 || r.Timeouts.Connect != model.Timeout(2*time.Second) || r.Drain.Spread != 0 {
		t.Errorf("timeouts %+v, drain %+v: a bad duration is not the default", r.Timeouts, r.Drain)
	}
	if got, want := config.Routes[0].Keepalive, (model.Keepalive{Interval: model.Timeout(30 * time.Second)}); got != want {
		t.Errorf("keepalive %+v, want %+v: a bad timeout is not the default", got, want)
	}
}

// A guard that no schema has seen and that can't be read closes the route; a header or limit costs
// itself.
func TestGuardsThatNoSchemaHasSeen(t *testing.T) {
	policies := map[string]v1alpha1.Policy{
		"allowCIDRs":   {Access: &v1alpha1.Access{AllowCIDRs: []v1alpha1.CIDR{"office"}}},
		"denyCIDRs":    {Access: &v1alpha1.Access{DenyCIDRs: []v1alpha1.CIDR{"10.0.0.0/8", "10.0.0.0/33"}}},
		"url":          {Access: &v1alpha1.Access{ExternalAuth: &v1alpha1.ExternalAuth{URL: "http://auth/${"}}},
		"cache":        {Access: &v1alpha1.Access{ExternalAuth: &v1alpha1.ExternalAuth{URL: "http://auth/", Cache: &v1alpha1.AuthCache{Key: "$"}}}},
		"exempt":       {Limits: &v1alpha1.Limits{Sessions: new(int32(5)), ExemptCIDRs: []v1alpha1.CIDR{"localhost", "10.0.0.0/8"}}},
		"header":       {Headers: &v1alpha1.Headers{Request: &v1alpha1.HeaderEdits{Set: []v1alpha1.Header{{Name: "Upgrade", Value: "h2c"}, {Name: "X-A", Value: "a\nb"}, {Name: "X-B", Value: "b"}}}}},
		"header names": {Headers: &v1alpha1.Headers{Response: &v1alpha1.HeaderEdits{Remove: []v1alpha1.HeaderName{"a b", "sec-websocket-accept", "x-c"}}}},
	}
	for name, p := range policies {
		route := &v1alpha1.WebSocketRoute{
			ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "chat"},
			Spec: v1alpha1.WebSocketRouteSpec{
				IngressClassName: new("fairlead"), Policy: &p,
				Rules: []v1alpha1.Rule{
					{Matches: []v1alpha1.Match{{Path: &v1alpha1.PathMatch{Value: "/a"}}}},
					{Matches: []v1alpha1.Match{{Path: &v1alpha1.PathMatch{Value: "/b"}}}},
				},
			},
		}
		config, report := Build(&snapshot.Snapshot{
			IngressClasses: []*networkingv1.IngressClass{ourClass()}, WebSocketRoutes: []*v1alpha1.WebSocketRoute{route},
		}, Options{})
		problems := report.Objects[0].Problems
		if len(problems) == 0 || !strings.HasPrefix(problems[0].Field, "spec.policy.") || problems[0].Reason != v1alpha1.ReasonInvalid {
			t.Errorf("%s: told %v", name, problems)
		}
		told := map[Problem]bool{}
		for _, problem := range problems {
			if told[problem] {
				t.Errorf("%s: told for every rule anew: %v", name, problem)
			}
			told[problem] = true
		}
		for _, r := range config.Routes {
			if sealed, guards := r.Access.Sealed != "", p.Access != nil; sealed != guards {
				t.Errorf("%s: sealed %q", name, r.Access.Sealed)
			}
			if p.Limits != nil && (r.Limits.Sessions != 5 || len(r.Limits.Exempt) != 1) {
				t.Errorf("%s: %+v", name, r.Limits)
			}
			if p.Headers != nil && len(r.Headers.Request.Set)+len(r.Headers.Response.Remove) != 1 {
				t.Errorf("%s: %+v", name, r.Headers)
			}
		}
	}
}

// To set up TLS, to rewrite and to change the Service must not rename a route: sessions are carried
// by its ID.
func TestNoChangeOfAnIngressRenamesItsRoutes(t *testing.T) {
	id := func(change func(*networkingv1.Ingress)) string {
		i := ingress("web", "chat.example.com", "/socket", "chat")
		change(i)
		config, _ := Build(&snapshot.Snapshot{
			IngressClasses: []*networkingv1.IngressClass{ourClass()},
			Ingresses:      []*networkingv1.Ingress{ingress("earlier", "chat.example.com", "/a", "chat"), i},
			Services:       []*corev1.Service{service("chat"), service("next")},
		}, Options{})
		return config.Routes[len(config.Routes)-1].ID
	}
	before := id(func(*networkingv1.Ingress) {})
	for name, change := range map[string]func(*networkingv1.Ingress){
		"TLS":             func(i *networkingv1.Ingress) { i.Spec.TLS = []networkingv1.IngressTLS{{}} },
		"another Service": func(i *networkingv1.Ingress) { i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name = "next" },
		"a rewrite":       func(i *networkingv1.Ingress) { i.Annotations = map[string]string{"fairlead.dev/rewrite-target": "/$1"} },
		"a path type": func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].PathType = new(networkingv1.PathTypeImplementationSpecific)
		},
		"another rule": func(i *networkingv1.Ingress) {
			more := ingress("", "a.example.com", "/", "chat").Spec.Rules
			i.Spec.Rules = append(more, i.Spec.Rules...)
		},
	} {
		if after := id(change); after != before {
			t.Errorf("%s renamed %s to %s", name, before, after)
		}
	}
}

func TestABadObjectLeavesTheOthersAlone(t *testing.T) {
	good := ingress("good", "good.example.com", "/", "chat")
	alone, _ := Build(&snapshot.Snapshot{
		IngressClasses: []*networkingv1.IngressClass{ourClass()},
		Ingresses:      []*networkingv1.Ingress{good},
		Services:       []*corev1.Service{service("chat")},
	}, Options{})

	empty := ingress("empty", "", "", "")
	empty.Spec = networkingv1.IngressSpec{IngressClassName: new("fairlead")}
	noService := ingress("no-service", "a.example.com", "/", "chat")
	noService.Spec.Rules[0].HTTP.Paths[0].Backend = networkingv1.IngressBackend{}
	together, report := Build(&snapshot.Snapshot{
		IngressClasses: []*networkingv1.IngressClass{ourClass()},
		Ingresses:      []*networkingv1.Ingress{empty, noService, ingress("relative", "b.example.com", "no/slash", "gone"), good},
		Services:       []*corev1.Service{service("chat")},
		EndpointSlices: []*discoveryv1.EndpointSlice{slice("chat", discoveryv1.Endpoint{}, discoveryv1.Endpoint{Addresses: []string{"not an address"}})},
	}, Options{})
	var found bool
	for _, r := range together.Routes {
		found = found || reflect.DeepEqual(r, alone.Routes[0])
	}
	if !found {
		t.Errorf("%s is not as it is alone: %+v", alone.Routes[0].ID, together.Routes)
	}
	var told []string
	for _, o := range report.Objects {
		for _, p := range o.Problems {
			told = append(told, o.Object.Name+" "+string(p.Reason))
		}
	}
	if got, want := strings.Join(told, ", "), "no-service UnsupportedValue, relative Invalid"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// BenchmarkBuild translates Ingresses of some paths each, with 10 endpoints for every path.
func BenchmarkBuild(b *testing.B) {
	for _, size := range []struct{ objects, paths int }{{1000, 1}, {1000, 10}, {10_000, 1}} {
		b.Run(fmt.Sprintf("%dx%d", size.objects, size.paths), func(b *testing.B) {
			s := manyIngresses(size.objects, size.paths)
			b.ReportAllocs()
			for b.Loop() {
				if config, _ := Build(s, Options{}); len(config.Routes) != size.objects*size.paths || len(config.Backends[0].Endpoints) != 10 {
					b.Fatalf("%d routes", len(config.Routes))
				}
			}
		})
	}
}

func manyIngresses(objects, paths int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{IngressClasses: []*networkingv1.IngressClass{ourClass()}}
	for i := range objects {
		in := ingress(fmt.Sprint("web-", i), fmt.Sprintf("h%d.example.com", i), "/", "")
		in.Annotations = map[string]string{"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600", "fairlead.dev/balance": "least-sessions"}
		in.Spec.Rules[0].HTTP.Paths = nil
		for j := range paths {
			name := fmt.Sprintf("s-%d-%d", i, j)
			s.Services = append(s.Services, service(name))
			var pods []discoveryv1.Endpoint
			for k := range 10 {
				pods = append(pods, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.%d.%d.%d", i/250, i%250, j*10+k)}})
			}
			s.EndpointSlices = append(s.EndpointSlices, slice(name, pods...))
			in.Spec.Rules[0].HTTP.Paths = append(in.Spec.Rules[0].HTTP.Paths, ingress("", "", fmt.Sprintf("/p%d", j), name).Spec.Rules[0].HTTP.Paths[0])
		}
		s.Ingresses = append(s.Ingresses, in)
	}
	return s
}

func ourClass() *networkingv1.IngressClass {
	return &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "fairlead"},
		Spec:       networkingv1.IngressClassSpec{Controller: DefaultControllerName},
	}
}

func service(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func slice(service string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "prod", Name: service + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(8080))}},
		Endpoints:   endpoints,
	}
}

func ingress(name, host, path, service string) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name},
		Spec: networkingv1.IngressSpec{
			IngressClassName: new("fairlead"),
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{
					Path: path, PathType: new(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: service, Port: networkingv1.ServiceBackendPort{Number: 80},
					}},
				}},
			}}}},
		},
	}
}
