package v1alpha1

// Limits bound what clients may take of a route, each replica by itself. What goes beyond is answered
// 503.
type Limits struct {
	// Most sessions at one time, those in their handshake included. 0 is off. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Sessions *int32 `json:"sessions,omitempty"`

	// Most sessions of one client address at one time. 0 is off. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SessionsPerClient *int32 `json:"sessionsPerClient,omitempty"`

	// Most handshakes and requests a second, of all clients together. 0 is off. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	HandshakesPerSecond *int32 `json:"handshakesPerSecond,omitempty"`

	// Most handshakes and requests a second of one client address. 0 is off. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	HandshakesPerSecondPerClient *int32 `json:"handshakesPerSecondPerClient,omitempty"`

	// How many times the rate may come at once, before it is exceeded: 0 to 1000. Default: 5.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Burst *int32 `json:"burst,omitempty"`

	// Networks of clients that the two limits for one client don't count for, up to 256. Default: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	ExemptCIDRs []CIDR `json:"exemptCIDRs,omitempty"`
}

// Retries say when a handshake or request is tried on another endpoint. It is only while no byte of
// an answer was seen.
type Retries struct {
	// Endpoints that are tried in all, 1 to 16; 1 tries no other. Default: 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Attempts *int32 `json:"attempts,omitempty"`

	// Longest time after which another attempt may begin. A duration such as 5s; "0s" is off.
	// Default: 0s.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
}

// InsecureWebSocket says what becomes of WebSocket requests in the clear.
//
// +kubebuilder:validation:Enum=Serve;Refuse;Redirect
type InsecureWebSocket string

const (
	// InsecureServe serves them.
	InsecureServe InsecureWebSocket = "Serve"
	// InsecureRefuse answers 426.
	InsecureRefuse InsecureWebSocket = "Refuse"
	// InsecureRedirect answers 308.
	InsecureRedirect InsecureWebSocket = "Redirect"
)

// BackendTLSMode says whether TLS is spoken to endpoints.
//
// +kubebuilder:validation:Enum=Disable;Verify;SkipVerify
type BackendTLSMode string

const (
	// BackendTLSDisable speaks ws and http.
	BackendTLSDisable BackendTLSMode = "Disable"
	// BackendTLSVerify speaks wss and https, and verifies the endpoint's certificate.
	BackendTLSVerify BackendTLSMode = "Verify"
	// BackendTLSSkipVerify speaks wss and https to whoever answers.
	BackendTLSSkipVerify BackendTLSMode = "SkipVerify"
)

// BackendTLS says how endpoints are spoken to.
//
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretName) || !has(self.mode) || self.mode == 'Verify'",message="caSecretName is for mode Verify only: set the mode, or remove it"
// +kubebuilder:validation:XValidation:rule="!has(self.clientCertSecretName) || !has(self.mode) || self.mode != 'Disable'",message="without TLS no certificate is shown: set another mode, or remove clientCertSecretName"
type BackendTLS struct {
	// Disable: ws and http, whatever appProtocol says. Verify: wss and https, and the endpoint's
	// certificate must be from the authorities in caSecretName for serverName. SkipVerify: wss and
	// https to whoever answers. Default: by the appProtocol of the Service port, and SkipVerify then.
	// +optional
	Mode BackendTLSMode `json:"mode,omitempty"`

	// Name that is sent (SNI) and verified: a lower-case DNS name. Default: the Host that the backend
	// gets.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",message="must be a lower-case DNS name such as chat.internal, without port and wildcard"
	ServerName string `json:"serverName,omitempty"`

	// Name of a Secret in the route's namespace whose key ca.crt has the authorities in PEM. Default:
	// the authorities of the proxy's system.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower-case letters, digits, - and ."
	CASecretName string `json:"caSecretName,omitempty"`

	// Name of a Secret of type kubernetes.io/tls in the route's namespace: the certificate that the
	// proxy shows of itself. Default: none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower-case letters, digits, - and ."
	ClientCertSecretName string `json:"clientCertSecretName,omitempty"`
}
