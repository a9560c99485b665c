package v1alpha1

// Match is a condition on a request: it is met when every part that is set is met.
type Match struct {
	// Condition on the path. Default: every path (Prefix /).
	// +optional
	Path *PathMatch `json:"path,omitempty"`

	// Conditions on header fields, up to 16; all must be met. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Headers []HeaderMatch `json:"headers,omitempty"`

	// Conditions on parameters of the query, up to 16; all must be met. Of a parameter that stands
	// several times the first value counts. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	QueryParams []QueryParamMatch `json:"queryParams,omitempty"`

	// Subprotocols (RFC 6455 section 1.9), up to 16, of which the client must offer at least one in
	// Sec-WebSocket-Protocol. Which one is spoken is for the backend to choose. Default: none; it may
	// offer what it likes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Subprotocols []Subprotocol `json:"subprotocols,omitempty"`
}

// Subprotocol is a token (RFC 9110 section 5.6.2) such as graphql-transport-ws.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[-!#$%&*+.^_|~0-9A-Za-z]+$')",message="must be a subprotocol's name: letters, digits and - _ . ! # $ % & * + ^ | ~ only"
type Subprotocol string

// FieldMatchType says how the value of a header or query parameter is compared.
//
// +kubebuilder:validation:Enum=Exact;RegularExpression;Present
type FieldMatchType string

const (
	// FieldExact compares the whole value.
	FieldExact FieldMatchType = "Exact"
	// FieldRegularExpression compares the whole value with an RE2 expression.
	FieldRegularExpression FieldMatchType = "RegularExpression"
	// FieldPresent wants any value.
	FieldPresent FieldMatchType = "Present"
)

// HeaderMatch is a condition on a header field.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'Present' ? !has(self.value) : has(self.value)",message="value is required for Exact and RegularExpression, and must be left out for Present"
// +kubebuilder:validation:XValidation:rule="self.type != 'RegularExpression' || !has(self.value) || '/'.matches(self.value) in [true, false]",message="the value must be a regular expression in RE2 syntax: no look-around, no back-references",fieldPath=".value"
type HeaderMatch struct {
	// Name of the header, in any case, 1 to 128 characters.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-!#$%&*+.^_|~0-9A-Za-z]+$')",message="the name of a header has letters, digits and - _ . ! # $ % & * + ^ | ~ only"
	Name string `json:"name"`

	// How the value is compared. Exact: the whole value, case-sensitively. RegularExpression: the
	// whole value against an RE2 expression (no look-around, no back-references). Present: any value
	// will do. Default: Exact.
	// +optional
	// +kubebuilder:default=Exact
	Type FieldMatchType `json:"type,omitempty"`

	// What the value is compared with, up to 256 characters. Left out for Present. Default: none.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Value string `json:"value,omitempty"`
}

// QueryParamMatch is a condition on a parameter of the query.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'Present' ? !has(self.value) : has(self.value)",message="value is required for Exact and RegularExpression, and must be left out for Present"
// +kubebuilder:validation:XValidation:rule="self.type != 'RegularExpression' || !has(self.value) || '/'.matches(self.value) in [true, false]",message="the value must be a regular expression in RE2 syntax: no look-around, no back-references",fieldPath=".value"
type QueryParamMatch struct {
	// Name of the parameter, percent-decoded, case-sensitive, 1 to 128 characters.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name"`

	// How the value is compared. Exact: the whole value, case-sensitively. RegularExpression: the
	// whole value against an RE2 expression (no look-around, no back-references). Present: any value
	// will do. Default: Exact.
	// +optional
	// +kubebuilder:default=Exact
	Type FieldMatchType `json:"type,omitempty"`

	// What the percent-decoded value is compared with, up to 256 characters. Left out for Present.
	// Default: none.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Value string `json:"value,omitempty"`
}

// PathMatchType says how a path is compared.
//
// +kubebuilder:validation:Enum=Exact;Prefix;RegularExpression
type PathMatchType string

const (
	// PathExact compares the whole path.
	PathExact PathMatchType = "Exact"
	// PathPrefix compares whole path elements from the beginning.
	PathPrefix PathMatchType = "Prefix"
	// PathRegularExpression compares the beginning of the path with an RE2 expression.
	PathRegularExpression PathMatchType = "RegularExpression"
)

// PathMatch is a condition on the decoded path of a request, without its query.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'RegularExpression' || self.value.startsWith('/')",message="the value of an Exact or Prefix path must start with /",fieldPath=".value"
// +kubebuilder:validation:XValidation:rule="self.type == 'RegularExpression' || !(self.value.contains('?') || self.value.contains('#'))",message="a path has no query and no fragment: leave out ? and # and what follows",fieldPath=".value"
// +kubebuilder:validation:XValidation:rule="self.type != 'RegularExpression' || '/'.matches(self.value) in [true, false]",message="the value must be a regular expression in RE2 syntax: no look-around, no back-references",fieldPath=".value"
type PathMatch struct {
	// How the value is compared. Exact: the whole path, case-sensitively. Prefix: whole path
	// elements, so that /chat matches /chat, /chat/ and /chat/room but not /chats; a trailing
	// slash of the value counts for nothing. RegularExpression: the beginning of the path against
	// an RE2 expression (no look-around, no back-references). Default: Prefix.
	// +optional
	// +kubebuilder:default=Prefix
	Type PathMatchType `json:"type,omitempty"`

	// What the path is compared with, 1 to 1024 characters, not percent-encoded. It starts with /
	// for Exact and Prefix.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}
