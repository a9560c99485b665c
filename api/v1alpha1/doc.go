// Package v1alpha1 is what users write: the WebSocketRoute of API group fairlead.dev, its policy,
// and the words (condition types, reasons) in which its status answers.
//
// Everything that the API server can check is in the schema that hack/generate.sh makes from the
// comments here: patterns, bounds, enumerations and CEL rules, each with a message that says what
// to do. The comments on fields are also the text of kubectl explain, so each tells what the
// field does, its unit and range, its default, and how it is turned off.
//
// Fields of a [Policy] have no schema default: a rule's policy overrides the route's field by
// field ([Policy.MergedOver]), so a field that was not written must stay visibly unset. Their
// zero value means unset. The package depends on k8s.io/apimachinery alone.
//
// +kubebuilder:object:generate=true
// +groupName=fairlead.dev
package v1alpha1
