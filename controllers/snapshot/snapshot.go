package snapshot

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Snapshot is everything that decides where a request goes, read at one moment. Objects are shared
// with the informer cache: nobody may change them.
type Snapshot struct {
	IngressClasses []*networkingv1.IngressClass
	// ClassesUnknown: the IngressClasses must not be read, so that a class which is not among them may
	// be there nevertheless, and be somebody else's.
	ClassesUnknown  bool
	Ingresses       []*networkingv1.Ingress
	WebSocketRoutes []*v1alpha1.WebSocketRoute
	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	// Secrets and ConfigMaps are those that objects refer to, as far as they may be read.
	Secrets    []*corev1.Secret
	ConfigMaps []*corev1.ConfigMap
	// ReferenceGrants are none when the cluster has no such kind.
	ReferenceGrants []*gatewayv1beta1.ReferenceGrant
	// Unreadable says, in words, why a Secret or ConfigMap that is referred to could not be read.
	Unreadable map[types.NamespacedName]string
	// Names has what is known of the names that were asked for. A name that is not in it was not
	// looked up; nil: this reader looks nothing up.
	Names map[string]Name
}

// Name is what a DNS name leads to.
type Name struct {
	Addresses []netip.Addr // sorted; those last known when it can't be resolved now
	Err       string       // why it can't be resolved now; "": it can
}

// References are the Secrets and ConfigMaps that objects refer to.
type References struct {
	Secrets    []*corev1.Secret
	ConfigMaps []*corev1.ConfigMap
	Unreadable map[types.NamespacedName]string // as in Snapshot
}
