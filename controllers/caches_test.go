package controllers

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/fairlead/fairlead/controllers/translate"
)

// Watching some namespaces must not lose the Services that the controller's own settings name.
func TestNarrowCachesHoldWhatTheSettingsName(t *testing.T) {
	lb, fallback := types.NamespacedName{Namespace: "system", Name: "lb"}, types.NamespacedName{Namespace: "system", Name: "fallback"}
	for name, c := range map[string]struct {
		o       Options
		watched []string // of Services
		alone   string   // the only one of namespace system
	}{
		"everything": {Options{PublishService: lb}, nil, ""},
		"published":  {Options{Watch: WatchOptions{Namespaces: []string{"a"}}, PublishService: lb}, []string{"a", "system"}, "lb"},
		"default":    {Options{Watch: WatchOptions{Namespaces: []string{"a"}}, Translate: translate.Options{DefaultBackend: fallback}}, []string{"a", "system"}, "fallback"},
		"two":        {Options{Watch: WatchOptions{Namespaces: []string{"a"}}, PublishService: lb, Translate: translate.Options{DefaultBackend: fallback}}, []string{"a", "system"}, ""},
		"same":       {Options{Watch: WatchOptions{Namespaces: []string{"a"}}, PublishService: lb, Translate: translate.Options{DefaultBackend: lb}}, []string{"a", "system"}, "lb"},
		"among them": {Options{Watch: WatchOptions{Namespaces: []string{"a", "system"}}, PublishService: lb}, []string{"a", "system"}, ""},
	} {
		var services, ingresses cache.ByObject
		for o, how := range c.o.caches().ByObject {
			switch o.(type) {
			case *corev1.Service:
				services = how
			case *networkingv1.Ingress:
				ingresses = how
			}
		}
		if got := slices.Sorted(maps.Keys(services.Namespaces)); !slices.Equal(got, c.watched) {
			t.Errorf("%s: Services of %v, want %v", name, got, c.watched)
		}
		alone := ""
		if f := services.Namespaces["system"].FieldSelector; f != nil {
			alone, _ = f.RequiresExactMatch("metadata.name")
		}
		if alone != c.alone {
			t.Errorf("%s: of namespace system %q, want %q", name, alone, c.alone)
		}
		if got := slices.Sorted(maps.Keys(ingresses.Namespaces)); !slices.Equal(got, c.o.Watch.Namespaces) {
			t.Errorf("%s: Ingresses of %v, want %v", name, got, c.o.Watch.Namespaces)
		}
	}
}

// Replicas are known by what all of them have: not by their revision, nor by the zone that the API server
// writes into the labels of a pod.
func TestReplicasAreKnownByTheirApplication(t *testing.T) {
	for name, c := range map[string]struct{ labels, want map[string]string }{
		"recommended": {
			map[string]string{"app.kubernetes.io/name": "fairlead", "app.kubernetes.io/instance": "edge", "app.kubernetes.io/version": "1.2", "team": "web"},
			map[string]string{"app.kubernetes.io/name": "fairlead", "app.kubernetes.io/instance": "edge"},
		},
		"own": {
			map[string]string{"app": "fairlead", "pod-template-hash": "abc", "topology.kubernetes.io/zone": "a", "helm.sh/chart": "fairlead-1.2", "example.com/team": "web"},
			map[string]string{"app": "fairlead", "example.com/team": "web"},
		},
		"stateful": {map[string]string{"statefulset.kubernetes.io/pod-name": "fairlead-0", "apps.kubernetes.io/pod-index": "0", "controller-revision-hash": "x"}, map[string]string{}},
	} {
		if got := identity(c.labels); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
