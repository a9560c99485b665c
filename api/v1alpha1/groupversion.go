package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of everything in this package.
const GroupName = "fairlead.dev"

// GroupVersion is the group and version of everything in this package.
var GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

// SchemeBuilder collects what AddToScheme registers.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme makes the types of this package known to a scheme. It fails only when the scheme
// holds other Go types under the same names.
var AddToScheme = SchemeBuilder.AddToScheme

// Resource qualifies a resource name, such as "websocketroutes", with the group.
func Resource(resource string) schema.GroupResource {
	return GroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &WebSocketRoute{}, &WebSocketRouteList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
