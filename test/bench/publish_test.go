package bench

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/table"
)

// cluster is n WebSocketRoutes, each with a Service of ten pods.
func cluster(n int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{IngressClasses: []*networkingv1.IngressClass{{
		ObjectMeta: metav1.ObjectMeta{Name: "fairlead"},
		Spec:       networkingv1.IngressClassSpec{Controller: translate.DefaultControllerName},
	}}}
	for i := range n {
		name := fmt.Sprintf("chat-%05d", i)
		meta := metav1.ObjectMeta{Namespace: "prod", Name: name, Generation: 1}
		s.WebSocketRoutes = append(s.WebSocketRoutes, &v1alpha1.WebSocketRoute{ObjectMeta: meta, Spec: v1alpha1.WebSocketRouteSpec{
			IngressClassName: ptr.To("fairlead"), Hosts: []v1alpha1.Hostname{v1alpha1.Hostname(name + ".example.com")},
			Rules: []v1alpha1.Rule{{
				Name:     "main",
				Matches:  []v1alpha1.Match{{Path: &v1alpha1.PathMatch{Type: v1alpha1.PathPrefix, Value: "/socket"}}},
				Backends: []v1alpha1.Backend{{Name: name, Port: intstr.FromInt32(8080)}},
			}},
			Policy: &v1alpha1.Policy{Timeouts: &v1alpha1.Timeouts{Idle: "2h"}},
		}})
		s.Services = append(s.Services, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Name: "ws", Port: 8080}},
		}})
		s.EndpointSlices = append(s.EndpointSlices, slice(meta, i, 10))
	}
	return s
}

// slice is the EndpointSlice of a Service with so many ready pods.
func slice(meta metav1.ObjectMeta, service, pods int) *discoveryv1.EndpointSlice {
	meta.Labels = map[string]string{discoveryv1.LabelServiceName: meta.Name}
	e := &discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: ptr.To("ws"), Port: ptr.To[int32](8080)}}}
	for pod := range pods {
		e.Endpoints = append(e.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{fmt.Sprintf("10.%d.%d.%d", service>>8, service&255, pod+1)},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	return e
}

// BenchmarkPublish measures the way from objects in the cache to the table that serves, when one
// endpoint of many routes has come or gone: translate, compile, publish.
func BenchmarkPublish(b *testing.B) {
	for _, routes := range []int{1000, 10000} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			server, err := proxy.New(proxy.Options{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			s := cluster(routes)
			meta := s.Services[7].ObjectMeta
			variants := []*discoveryv1.EndpointSlice{slice(meta, 7, 9), slice(meta, 7, 10)}
			publish := func() *table.Change {
				begun := time.Now()
				config, report := translate.Build(s, translate.Options{Now: begun})
				t, err := table.Compile(config, server.Table())
				if err != nil || len(report.Objects) != routes {
					b.Fatal(err, len(report.Objects))
				}
				return server.Publish(t, begun)
			}
			if publish().None() {
				b.Fatal("the first table is empty")
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.EndpointSlices[7] = variants[i%2]
				if change := publish(); change.None() {
					b.Fatal("nothing changed")
				}
			}
		})
	}
}
