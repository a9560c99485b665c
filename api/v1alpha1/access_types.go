package v1alpha1

// CIDR is a network such as 10.0.0.0/8 or 2001:db8::/32, or a single address.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=49
// +kubebuilder:validation:XValidation:rule="isCIDR(self) || isIP(self)",message="must be a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address"
type CIDR string

// Origin is the origin of a page (RFC 6454): scheme, host and, unless it is the scheme's own, port.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=280
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][-+.a-z0-9]*://([*][.])?([a-z0-9][-.a-z0-9]*|[[][0-9a-f:.]+])(:[0-9]{1,5})?$')",message="must be an origin such as https://app.example.com or https://*.example.com:8443: lower case, no path"
type Origin string

// Access says who may use a route. Every refusal is an HTTP answer to the handshake. A rule can ask
// for more or something else than the route, but not for nothing.
type Access struct {
	// Pages that may open WebSockets here, up to 32: origins such as https://app.example.com, or
	// https://*.example.com where * stands for one label. Browsers tell the page's origin with every
	// handshake; others are answered 403. Clients that tell none, which browsers don't do, are let
	// in. Default: none, any page may.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Origins []Origin `json:"origins,omitempty"`

	// Networks of the clients that are let in, up to 256; all others are answered 403. The client's
	// address is the one that the trusted proxies before Fairlead tell. Default: none, any may.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	AllowCIDRs []CIDR `json:"allowCIDRs,omitempty"`

	// Networks of clients that are answered 403, up to 256; they count before allowCIDRs. Default:
	// none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	DenyCIDRs []CIDR `json:"denyCIDRs,omitempty"`

	// Name and password (RFC 7617); without them, or with wrong ones, 401. Default: none is asked.
	// +optional
	BasicAuth *BasicAuth `json:"basicAuth,omitempty"`

	// A service that is asked about every request. Default: none.
	// +optional
	ExternalAuth *ExternalAuth `json:"externalAuth,omitempty"`
}

// BasicAuth names who may come in with a password.
type BasicAuth struct {
	// Name of a Secret in the route's namespace, whose key auth has the lines of an htpasswd file:
	// bcrypt, SHA, crypt or apr1-MD5. While it is missing nobody is let in (503).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower-case letters, digits, - and ."
	SecretName string `json:"secretName"`

	// What browsers show when they ask, up to 128 characters. Default: Fairlead.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Realm string `json:"realm,omitempty"`
}

// ExternalAuth asks a service. 2xx lets the request in, 401 and 403 refuse it with that status, and
// anything else, or no answer in time, is 500. The service gets the request's own headers but for
// those of the handshake, and X-Original-URL, X-Original-Method, X-Real-IP, X-Forwarded-For.
type ExternalAuth struct {
	// Address of the service, http or https, up to 2048 characters. $host, $request_uri,
	// $escaped_request_uri, $arg_NAME, $cookie_NAME and other variables of nginx stand for parts of
	// the request.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.startsWith('http://') || self.startsWith('https://')",message="must be a URL that begins with http:// or https://"
	// +kubebuilder:validation:XValidation:rule="!self.contains(' ')",message="a URL has no spaces: percent-encode them"
	URL string `json:"url"`

	// Longest time to the head of its answer. A duration such as 2s; "0s" is off. Default: 5s.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`

	// Headers of its answer that go on to the backend, in place of the client's, up to 32. Default: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	ResponseHeaders []HeaderName `json:"responseHeaders,omitempty"`

	// How long answers are remembered. Default: not at all.
	// +optional
	Cache *AuthCache `json:"cache,omitempty"`
}

// AuthCache remembers answers of an authentication service.
type AuthCache struct {
	// What tells requests apart, with variables as in url, such as $cookie_session; up to 512
	// characters. Requests of equal keys get the same answer.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key"`

	// How long an answer of 2xx, 401 or 403 is remembered. A duration such as 1m; "0s" remembers
	// nothing. Default: 5m.
	// +optional
	Duration Duration `json:"duration,omitempty"`
}

// HeaderName is the name of a header field.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[-!#$%&*+.^_|~0-9A-Za-z]+$')",message="the name of a header has letters, digits and - _ . ! # $ % & * + ^ | ~ only"
type HeaderName string

// Headers change the headers of requests on their way to endpoints, and of answers on their way to
// clients, the 101 of a WebSocket too.
type Headers struct {
	// Changes to requests. Default: none.
	// +optional
	Request *HeaderEdits `json:"request,omitempty"`

	// Changes to answers. Default: none.
	// +optional
	Response *HeaderEdits `json:"response,omitempty"`
}

// HeaderEdits are applied in the order remove, set, add.
type HeaderEdits struct {
	// Fields that are replaced, whatever is there; up to 32. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Set []Header `json:"set,omitempty"`

	// Fields that are added to what is there; up to 32. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Add []Header `json:"add,omitempty"`

	// Names of fields that are removed; up to 32; not those of the handshake or the connection.
	// Default: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(n, !n.lowerAscii().matches('^(connection|content-length|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|sec-websocket-.*)$'))",message="the header belongs to the protocol and can't be changed: Connection, Content-Length, Host, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and Sec-WebSocket-*"
	Remove []HeaderName `json:"remove,omitempty"`
}

// Header is a header field.
//
// +kubebuilder:validation:XValidation:rule="!self.name.lowerAscii().matches('^(connection|content-length|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|sec-websocket-.*)$')",message="the header belongs to the protocol and can't be changed: Connection, Content-Length, Host, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and Sec-WebSocket-*",fieldPath=".name"
type Header struct {
	// Name of the field; not one of the handshake's or the connection's own. A new Host is for
	// rewrite.host to say.
	// +required
	Name HeaderName `json:"name"`

	// Value of the field, up to 1024 visible characters and spaces.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^([!-~]([ !-~]*[!-~])?)?$')",message="must have visible ASCII characters and spaces between them only"
	Value string `json:"value"`
}
