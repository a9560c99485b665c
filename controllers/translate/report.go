package translate

import (
	"slices"
	"strings"

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

// Blame tells the owner of a route, by its ID, what else is wrong with it. It reports false when no
// object has given the route. Reports are equal again after the next Build.
func (r *Report) Blame(route, message string) bool {
	for i := range r.Objects {
		o := &r.Objects[i]
		if !strings.HasPrefix(route, routePrefix(o.Object)) {
			continue
		}
		p := Problem{Reason: v1alpha1.ReasonInvalid, Message: message}
		if !slices.Contains(o.Problems, p) {
			o.Problems = append(o.Problems, p)
		}
		return true
	}
	return false
}

// routePrefix is what the IDs of an object's routes begin with; see the package text.
func routePrefix(o ObjectRef) string {
	kind := "ingress"
	if o.Kind != "Ingress" {
		kind = "wsr"
	}
	return kind + "/" + o.Namespace + "/" + o.Name + "/"
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
	// Note says that nothing is wrong with what is served: it is only good to know.
	Note bool
	// Lost says that an annotation of another controller does not count here, and did there.
	Lost bool
}
