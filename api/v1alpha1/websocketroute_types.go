package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// WebSocketRoute sends WebSocket connections (RFC 6455) for some hosts and paths to the pods of
// Services, and says how long they may live and how they are balanced.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=websocketroutes,singular=websocketroute,scope=Namespaced,shortName=wsr,categories={networking,fairlead}
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.spec.hosts`,description="Host names that the route serves; none means any host"
// +kubebuilder:printcolumn:name="Class",type=string,JSONPath=`.spec.ingressClassName`,description="IngressClass that serves the route"
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`,description="Whether the proxy serves the route at this moment"
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.addresses[*].value`,description="First address under which the route is reached"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,description="Time since the route was created"
// +kubebuilder:printcolumn:name="Backends",type=string,priority=1,JSONPath=`.spec.rules[0].backends`,description="Backends of the first rule"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`,description="Why the route is Programmed, or why it is not"
type WebSocketRoute struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name and namespace appear in metrics, logs and lists of
	// routes.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is to be served. Required.
	// +required
	Spec WebSocketRouteSpec `json:"spec"`

	// What became of it, written by Fairlead. Everything here is overwritten; edits are lost.
	// +optional
	Status WebSocketRouteStatus `json:"status,omitempty"`
}

// WebSocketRouteList is a list of WebSocketRoutes.
//
// +kubebuilder:object:root=true
type WebSocketRouteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []WebSocketRoute `json:"items"`
}

// WebSocketRouteSpec is what is to be served.
//
// Rules that speak of a rule's policy look at what is in force there: the rule's own value, else
// the route's.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || !has(self.hosts) || self.tls.all(t, !has(t.hosts) || t.hosts.all(h, h in self.hosts))",message="tls hosts must be among spec.hosts: add the name there, or remove it from tls",fieldPath=".tls"
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || has(self.hosts) || self.tls.all(t, has(t.hosts))",message="a route for any host (no spec.hosts) must name the hosts of each tls entry",fieldPath=".tls"
// +kubebuilder:validation:XValidation:rule="self.rules.all(r, r.?policy.?balance.?algorithm.orValue('RoundRobin') != 'ConsistentHash' || has(r.policy.balance.hashOn) || self.?policy.?balance.?hashOn.hasValue())",message="balance algorithm ConsistentHash needs hashOn, in the rule's policy or in the route's",fieldPath=".rules"
// +kubebuilder:validation:XValidation:rule="self.rules.all(r, !r.?policy.?balance.?hashOn.hasValue() || has(r.policy.balance.algorithm) || self.?policy.?balance.?algorithm.orValue('RoundRobin') == 'ConsistentHash')",message="balance hashOn is for algorithm ConsistentHash only: set the algorithm, or remove hashOn",fieldPath=".rules"
// +kubebuilder:validation:XValidation:rule="self.rules.all(r, !r.?policy.?drain.hasValue() || has(r.policy.drain.spread) == has(r.policy.drain.deadline) || duration(r.policy.drain.?deadline.orValue(self.?policy.?drain.?deadline.orValue('0s'))) == duration('0s') || duration(r.policy.drain.?spread.orValue(self.?policy.?drain.?spread.orValue('0s'))) <= duration(r.policy.drain.?deadline.orValue(self.?policy.?drain.?deadline.orValue('0s'))))",message="drain spread must not be longer than deadline, the one in the rule's policy and the other in the route's",fieldPath=".rules"
// +kubebuilder:validation:XValidation:rule="self.rules.all(r, !r.?policy.?keepalive.hasValue() || !(has(r.policy.keepalive.timeout) || has(r.policy.keepalive.peers)) || has(r.policy.keepalive.interval) || self.?policy.?keepalive.?interval.hasValue())",message="keepalive timeout and peers have no effect without an interval, which is off by default: set it in the rule's policy or in the route's",fieldPath=".rules"
// +kubebuilder:validation:XValidation:rule="!self.?policy.?keepalive.hasValue() || !(has(self.policy.keepalive.timeout) || has(self.policy.keepalive.peers)) || has(self.policy.keepalive.interval) || self.rules.exists(r, r.?policy.?keepalive.?interval.hasValue())",message="keepalive timeout and peers have no effect without an interval, which is off by default: set it, such as 30s",fieldPath=".policy.keepalive"
// +kubebuilder:validation:XValidation:rule="self.rules.all(r, !r.?policy.?backendTLS.?caSecretName.hasValue() || r.policy.backendTLS.?mode.orValue(self.?policy.?backendTLS.?mode.orValue('Disable')) == 'Verify')",message="backendTLS caSecretName is for mode Verify only: set the mode, in the rule's policy or in the route's, or remove it",fieldPath=".rules"
// +kubebuilder:validation:XValidation:rule="!self.?policy.?backendTLS.?caSecretName.hasValue() || has(self.policy.backendTLS.mode) || self.rules.exists(r, r.?policy.?backendTLS.?mode.hasValue())",message="backendTLS caSecretName is for mode Verify only: set the mode, or remove it",fieldPath=".policy.backendTLS"
type WebSocketRouteSpec struct {
	// Name of the IngressClass that serves this route; its controller must be
	// fairlead.dev/ingress-controller. Default: none, and then the route is served only while the
	// cluster's default IngressClass is Fairlead's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an IngressClass: lower-case letters, digits, - and ."
	IngressClassName *string `json:"ingressClassName,omitempty"`

	// Host names that this route serves, up to 64: exact names, or names with one leading
	// wildcard label such as *.example.com, which stands for exactly one label. An exact name
	// wins over a wildcard. Ports don't count. Default: none, and then any host is served that
	// no other route names.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Hosts []Hostname `json:"hosts,omitempty"`

	// Certificates for the hosts, up to 64. Plain HTTP requests for hosts named here are sent to
	// https (308) where the protocol HTTP is served; WebSocket requests are served without TLS too,
	// unless policy.insecureWebSocket says otherwise. Default: none, and then TLS connections get a
	// certificate that another object gives for the name, else the controller's default certificate.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	TLS []TLS `json:"tls,omitempty"`

	// What to do with a request, 1 to 64 rules. The most specific match wins wherever it stands:
	// Exact, then the longest RegularExpression, then the longest Prefix; then the one with more
	// conditions on headers, then on query parameters, then with subprotocols. Where two rules match
	// the same, the first one wins.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(r, !has(r.name) || self.exists_one(o, has(o.name) && o.name == r.name))",message="rule names must be unique in a route: rename one, or leave the names out"
	Rules []Rule `json:"rules"`

	// How sessions of every rule are treated. A rule's own policy overrides it field by field.
	// Default: every field has its own default.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.?balance.?algorithm.orValue('RoundRobin') != 'ConsistentHash' || has(self.balance.hashOn)",message="balance algorithm ConsistentHash needs hashOn: say which header, cookie, query parameter or SourceIP is hashed",fieldPath=".balance"
	// +kubebuilder:validation:XValidation:rule="!self.?balance.?hashOn.hasValue() || has(self.balance.algorithm)",message="balance hashOn is for algorithm ConsistentHash only: set the algorithm, or remove hashOn",fieldPath=".balance"
	Policy *Policy `json:"policy,omitempty"`
}

// Hostname is a lower-case DNS name, or such a name behind one leading wildcard label.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self.matches('^([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",message="must be a lower-case DNS name such as chat.example.com, or *. and such a name; no port, no scheme, no other wildcard"
// +kubebuilder:validation:XValidation:rule="!isIP(self)",message="must be a DNS name, not an IP address: leave hosts out to serve any host"
type Hostname string

// TLS names a certificate and what it is served for.
type TLS struct {
	// Host names (SNI, RFC 6066 section 3) for which the certificate is served, up to 64, each one
	// of spec.hosts. Default: all of spec.hosts; required when the route has none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Hosts []Hostname `json:"hosts,omitempty"`

	// Name of a Secret of type kubernetes.io/tls in the route's namespace, with tls.crt and
	// tls.key in PEM. A new certificate in it is served to new connections at once; open ones stay.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower-case letters, digits, - and ."
	SecretName string `json:"secretName"`

	// Namespace of the Secret. Another one than the route's needs a ReferenceGrant
	// (gateway.networking.k8s.io) there, from WebSocketRoutes of this namespace to Secrets. Default:
	// the route's.
	// +optional
	Namespace Namespace `json:"namespace,omitempty"`

	// Lowest version of TLS for these hosts: "1.2" or "1.3". Default: the controller's, 1.2 unless it
	// is set.
	// +optional
	MinVersion TLSVersion `json:"minVersion,omitempty"`
}

// TLSVersion is a version of TLS.
//
// +kubebuilder:validation:Enum="1.2";"1.3"
type TLSVersion string

// Namespace is the name of a namespace.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and -"
type Namespace string

// Rule says where requests that match it go.
type Rule struct {
	// Name of the rule in metrics, logs and lists of routes: a DNS label of up to 63 characters,
	// unique in the route. Default: the rule's position, counted from 0.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be a DNS label: lower-case letters, digits and -, beginning and ending with a letter or digit"
	Name string `json:"name,omitempty"`

	// Conditions on a request, 1 to 16. It belongs to the rule when it meets any of them.
	// Default: one that every path meets (Prefix /).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Matches []Match `json:"matches,omitempty"`

	// Changes to a request on its way to the backend. Default: none; it gets the path, query and
	// Host that the client sent.
	// +optional
	Rewrite *Rewrite `json:"rewrite,omitempty"`

	// Where requests go: 1 to 16 Services. Each gets a share of new sessions by its weight; open
	// sessions stay where they are when weights change.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Backends []Backend `json:"backends"`

	// How sessions of this rule are treated, where it is to differ from spec.policy: only the
	// fields that are set here count. Default: as spec.policy says.
	// +optional
	Policy *Policy `json:"policy,omitempty"`
}

// Rewrite changes a request on its way to the backend.
type Rewrite struct {
	// New path; it starts with / and has up to 1024 characters. It replaces the matched prefix of
	// a Prefix match, the whole path of an Exact one, and the whole path of a RegularExpression,
	// where $1 to $9 stand for its groups. The query stays. Default: the path is not changed.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == '' || self.startsWith('/')",message="must start with /"
	// +kubebuilder:validation:XValidation:rule="!(self.contains('?') || self.contains('#'))",message="a path has no query and no fragment: leave out ? and # and what follows"
	Path string `json:"path,omitempty"`

	// New Host header: a lower-case DNS name without port. Default, and when it is empty: the Host
	// that the client sent. X-Forwarded-Host tells the client's in any case.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",message="must be a lower-case DNS name such as chat.internal, without port and wildcard"
	Host string `json:"host,omitempty"`
}

// Backend is one port of a Service, and its share of new sessions.
type Backend struct {
	// Name of a Service. Its ready endpoints get the sessions, not its cluster address.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a Service: lower-case letters, digits and -"
	Name string `json:"name"`

	// Namespace of the Service. Another one than the route's needs a ReferenceGrant
	// (gateway.networking.k8s.io) there, from WebSocketRoutes of this namespace to Services. Default:
	// the route's.
	// +optional
	Namespace Namespace `json:"namespace,omitempty"`

	// Port of the Service: its number, 1 to 65535, or its name.
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : true",message="a port number must be 1 to 65535"
	Port intstr.IntOrString `json:"port"`

	// Share of new sessions: this weight divided by the sum of the weights of the rule, 0 to
	// 1000000. 0 gets no new session; when all are 0, requests are answered 503. Default: 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Weight *int32 `json:"weight,omitempty"`
}

// WebSocketRouteStatus is what became of a route.
type WebSocketRouteStatus struct {
	// Accepted: the route is valid and at least one of its rules is served. ResolvedRefs: every
	// Service, port and Secret that it names exists, may be named and can be used. Programmed: a route
	// table that holds it is in force. Reason and message of each say why, and what to do.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Where clients reach the route: the addresses of the ingress itself, written once the route
	// is served.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Addresses []Address `json:"addresses,omitempty"`
}

// AddressType says what an address is.
//
// +kubebuilder:validation:Enum=IPAddress;Hostname
type AddressType string

const (
	// IPAddressType is an IPv4 or IPv6 address.
	IPAddressType AddressType = "IPAddress"
	// HostnameAddressType is a DNS name.
	HostnameAddressType AddressType = "Hostname"
)

// Address is where clients reach a route, in the shape of Gateway API's status addresses.
type Address struct {
	// What the value is: IPAddress or Hostname.
	// +required
	Type AddressType `json:"type"`

	// The IPv4 or IPv6 address, or the DNS name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Value string `json:"value"`
}
