package v1alpha1

// ConditionType is the type of a condition in the status of a WebSocketRoute. All of them are
// positive: True is good news (Kubernetes API conventions, "Typical status properties").
type ConditionType string

const (
	// ConditionAccepted says whether the route is valid and at least one of its rules is served.
	ConditionAccepted ConditionType = "Accepted"
	// ConditionResolvedRefs says whether every Service, port and Secret that it names exists, may be named
	// and can be used.
	ConditionResolvedRefs ConditionType = "ResolvedRefs"
	// ConditionProgrammed says whether a route table that holds it was published.
	ConditionProgrammed ConditionType = "Programmed"
)

// Reason is the one word that says why: in a condition, an Event, a log line and the docs.
type Reason string

// Reasons for which all is well.
const (
	ReasonAccepted     Reason = "Accepted"
	ReasonResolvedRefs Reason = "ResolvedRefs"
	ReasonProgrammed   Reason = "Programmed"
	ReasonPending      Reason = "Pending" // not judged: nobody serves the object
)

// Reasons for which an object, or a part of it, is not accepted.
const (
	// ReasonInvalid: a value that no schema caught, such as a regular expression that doesn't compile.
	ReasonInvalid Reason = "Invalid"
	// ReasonClassNotFound: there is no IngressClass of the name, or no default one, so nobody serves it.
	ReasonClassNotFound Reason = "ClassNotFound"
	// ReasonConflicted: an older object claims the same host and path; the message names it.
	ReasonConflicted Reason = "Conflicted"
	// ReasonUnsupportedValue: a valid value that Fairlead does not serve, such as a resource backend.
	ReasonUnsupportedValue Reason = "UnsupportedValue"
	// ReasonInvalidAnnotation: the annotation's value can't be read; its default is used.
	ReasonInvalidAnnotation Reason = "InvalidAnnotation"
	// ReasonUnsupportedAnnotation: the annotation is known and not served; the message says what to do.
	ReasonUnsupportedAnnotation Reason = "UnsupportedAnnotation"
	// ReasonUnknownAnnotation: no such annotation under our prefix; the message offers the nearest.
	ReasonUnknownAnnotation Reason = "UnknownAnnotation"
	// ReasonAnnotationClash: both prefixes set the same value differently; ours is used.
	ReasonAnnotationClash Reason = "AnnotationClash"
)

// Reasons for which a reference is not resolved.
const (
	// ReasonBackendNotFound: no such Service.
	ReasonBackendNotFound Reason = "BackendNotFound"
	// ReasonPortNotFound: the Service has no such port.
	ReasonPortNotFound Reason = "PortNotFound"
	// ReasonInvalidCertificateRef: the Secret is missing, of another type, or holds no usable key pair.
	ReasonInvalidCertificateRef Reason = "InvalidCertificateRef"
	// ReasonRefNotPermitted: no ReferenceGrant in the other namespace permits the reference, or it may
	// not be read.
	ReasonRefNotPermitted Reason = "RefNotPermitted"
	// ReasonInvalidRef: the Secret or ConfigMap is missing, or what is needed is not in it.
	ReasonInvalidRef Reason = "InvalidRef"
)

// Condition returns the condition type that a reason speaks about.
func (r Reason) Condition() ConditionType {
	switch r {
	case ReasonBackendNotFound, ReasonPortNotFound, ReasonInvalidCertificateRef, ReasonRefNotPermitted, ReasonInvalidRef, ReasonResolvedRefs:
		return ConditionResolvedRefs
	case ReasonProgrammed, ReasonPending:
		return ConditionProgrammed
	}
	return ConditionAccepted
}
