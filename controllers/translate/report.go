package translate

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Report says what became of every object of ours, and of the WebSocketRoutes that are nobody's: a
// by-product of building, in a stable order.
type Report struct {
	Objects []ObjectReport
	// Problems belong to no object, but to the controller's own settings.
	Problems []Problem
	// Wanted is what the objects refer to, be it in the snapshot or not.
	Wanted Wanted
}

// Wanted is what a snapshot should have for the objects in it to be served, each once and in order.
type Wanted struct {
	Secrets, ConfigMaps []types.NamespacedName
	// Names are those of Services of type ExternalName, to be resolved.
	Names []string
}

// ObjectRef names the object that a report speaks of, at the generation that was read.
type ObjectRef struct {
	Kind       string // "Ingress" or "WebSocketRoute"
	Namespace  string
	Name       string
	UID        types.UID
	Generation int64
}

// String returns "Kind namespace/name".
func (r ObjectRef) String() string { return r.Kind + " " + r.Namespace + "/" + r.Name }

// ObjectReport is what became of one object.
type ObjectReport struct {
	Object ObjectRef
	// Routes counts the model routes that the object gave. None: it is not served at all.
	Routes   int
	Problems []Problem
}

// Problem is one thing that its owner should mend. It costs the part that Field names, no more.
type Problem struct {
	Reason v1alpha1.Reason
	// Field is the path of the value at fault, such as spec.rules[0].backends[1].port or
	// metadata.annotations[fairlead.dev/idle-timeout].
	Field string
	// Message says what is wrong, what happens instead and what to do, in a sentence or two.
	Message string
}
