package snapshot

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Snapshot is everything that decides where a request goes, read at one moment. Objects are shared
// with the informer cache: nobody may change them.
type Snapshot struct {
	IngressClasses  []*networkingv1.IngressClass
	Ingresses       []*networkingv1.Ingress
	WebSocketRoutes []*v1alpha1.WebSocketRoute
	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	Secrets         []*corev1.Secret // of type kubernetes.io/tls
}
