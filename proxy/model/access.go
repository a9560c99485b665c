package model

import (
	"net/netip"
	"time"
)

// Access says who may use a route. The zero value lets everybody in.
//
// The order is: addresses, client certificate, origin, basic authentication, external
// authentication. Every refusal is an HTTP answer, never a WebSocket Close. Routes whose paths are
// all below /.well-known/acme-challenge ask for addresses only: who asks there can't log in.
type Access struct {
	// Deny refuses clients of these networks, before Allow is asked: 403 SourceRefused.
	Deny []netip.Prefix
	// Allow, unless it is empty, refuses clients of all other networks: 403 SourceRefused.
	Allow []netip.Prefix
	// Origins, unless it is empty, refuses upgrades whose Origin (RFC 6454) is none of these:
	// 403 OriginRefused. Entries are "scheme://host[:port]", where "*." may stand for one label, or
	// "*". Requests without Origin, which browsers don't make, are not refused by it.
	Origins []string
	// ClientCert asks for a certificate of the client (TLS only).
	ClientCert *ClientCert
	Basic      *BasicAuth
	External   *ExternalAuth
	// SatisfyAny lets in whoever passes either the addresses or one of Basic and External, as
	// nginx's "satisfy any".
	SatisfyAny bool
	// Sealed says, in words, why nobody may be let in: what guards the route could not be read, and
	// to serve it without would open what it guards. 503 Sealed. "": not sealed.
	Sealed string
}

// Guarded reports whether anything but an open door is configured.
func (a *Access) Guarded() bool {
	return len(a.Deny)+len(a.Allow)+len(a.Origins) > 0 || a.ClientCert != nil || a.Basic != nil || a.External != nil || a.Sealed != ""
}

// BasicAuth asks for a name and a password (RFC 7617): 401 Unauthorized.
type BasicAuth struct {
	Realm string
	// Users are lines "name:hash" in the format of htpasswd: bcrypt, apr1, SHA, SSHA, the crypt kinds
	// 1, 5 and 6, or {PLAIN}. Of two lines for a name the first counts. Hashes that take too long (bcrypt
	// of a cost above 14, more than 1,000,000 rounds) and passwords of more than 512 bytes let nobody in.
	Users string
}

// ExternalAuth asks an HTTP service about every request. 2xx lets it in, 401 and 403 refuse it with
// the same status (AuthRefused); anything else, or no answer in time, is 500 (AuthFailed).
type ExternalAuth struct {
	// URL is a template; its variables are those of package template. The host may be the request's
	// ($host, never with the port that the client named) only on routes without a Match for any host,
	// and no other variable: else clients would choose who is asked about them. What they wrote is
	// escaped where it would end the path or the parameter that it stands in. Certificates of https are
	// verified by the roots of the system.
	URL string
	// Method of the question. "": that of the request.
	Method string
	// Timeout bounds the question. Unset: DefaultExternalAuth.
	Timeout Timeout
	// ResponseHeaders of the answer go on to the endpoint, in place of what the client sent.
	ResponseHeaders []string
	// SetHeaders are sent with the question. Values are templates.
	SetHeaders []Field
	// RequestRedirect is the value of X-Auth-Request-Redirect, a template. "": the request's URI.
	RequestRedirect string
	// SignIn is where a plain request that gets 401 is sent to (302), a template. The page to come
	// back to is added as the query parameter SignInParam. Upgrades get the 401: clients don't follow.
	SignIn, SignInParam string
	// AlwaysSetCookie passes the answer's Set-Cookie to the client whatever the endpoint answers;
	// otherwise only with 2xx, 204, 3xx and 101.
	AlwaysSetCookie bool
	// CacheKey is a template; answers of equal keys are remembered, for one route and host. "": nothing
	// is, nor are answers with Set-Cookie or a Cache-Control against it, and answers to requests that
	// have none of the key's variables.
	CacheKey string
	// CacheFor says how long answers are remembered, by status; 0 as status stands for any other.
	CacheFor map[int]time.Duration
}

// DefaultExternalAuth bounds a question of ExternalAuth.
const DefaultExternalAuth = 5 * time.Second

// ClientCertMode says what is asked of a client's certificate.
type ClientCertMode uint8

const (
	// RequireCert refuses clients without a verified certificate: 400 CertRequired.
	RequireCert ClientCertMode = iota
	// OptionalCert lets clients without a certificate in, and refuses those whose one can't be verified.
	OptionalCert
	// UnverifiedCert lets in whoever has no certificate or one that none of the CAs vouches for, and
	// tells the endpoint what was found. One that has expired is refused all the same, as by nginx.
	UnverifiedCert
)

// String returns the mode's name as users write it.
func (m ClientCertMode) String() string {
	return [...]string{"Required", "Optional", "Unverified", ""}[m&3]
}

// ClientCert asks clients for a certificate during the TLS handshake. Requests that don't come by TLS
// to the proxy itself are refused unless the mode is OptionalCert or UnverifiedCert; a request whose
// Host is not the name that the handshake was for is answered 421 Misdirected.
//
// The endpoint is told in the headers Ssl-Client-Verify ("SUCCESS", "NONE" or "FAILED:reason"),
// Ssl-Client-Subject-Dn and Ssl-Client-Issuer-Dn (RFC 2253), which clients can't set on any route.
type ClientCert struct {
	// CAs are certificates in PEM. Revocation lists (X509 CRL) may stand among them: then there must be
	// one that is up to date for every issuer of a client's chain, and what is on it is refused.
	CAs  string
	Mode ClientCertMode
	// Depth bounds the certificates between the client's and a CA, as nginx and OpenSSL count; 0: 1.
	Depth int
	// MatchCN is an RE2 expression that must match in the subject's "CN=name", and so a client without
	// a certificate too: else 403 CertRefused. It is not anchored.
	MatchCN string
	// PassToEndpoint sends the certificate, URL-escaped PEM, as Ssl-Client-Cert.
	PassToEndpoint bool
	// ErrorPage is a URL to which plain requests are sent (302) instead of 400. "": none.
	ErrorPage string
}

// CORS answers the questions that browsers ask before and about requests of foreign pages (Fetch
// standard, "CORS protocol"). It keeps no foreign page from opening a WebSocket; Access.Origins does.
type CORS struct {
	// Origins are "*", or "scheme://host[:port]" where "*." may stand for one label.
	Origins          []string
	Methods, Headers []string
	ExposeHeaders    []string
	Credentials      bool
	MaxAge           time.Duration // how long browsers remember the answer; 0: not told
}
