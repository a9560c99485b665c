package model

// Redirect answers every request of a route, upgrades too, and no endpoint is asked.
type Redirect struct {
	Status int // 301, 302, 303, 307 or 308
	// Location is a template; its variables are those of package template. A Location that begins
	// with "/" stays on the host.
	Location string
}

// InsecureUpgrade says what becomes of upgrade requests in the clear on a route with RedirectHTTPS.
type InsecureUpgrade uint8

const (
	// ServeInsecure serves them: WebSocket clients don't follow redirects (RFC 6455 section 4.1
	// leaves it to the client, and browsers don't).
	ServeInsecure InsecureUpgrade = iota
	// RefuseInsecure answers 426 NotSecure and says that wss is needed.
	RefuseInsecure
	// RedirectInsecure answers 308, as plain requests get.
	RedirectInsecure
)

// String returns the name as users write it.
func (i InsecureUpgrade) String() string { return [...]string{"Serve", "Refuse", "Redirect", ""}[i&3] }

// Canary sends a part of a route's requests to another backend. A client that a sticky cookie binds
// to either side stays there; then Header decides, then Cookie, then Weight.
type Canary struct {
	Backend BackendRef // its Weight counts for nothing
	// Header names a header field. With neither HeaderValue nor HeaderPattern its value "always"
	// takes the canary and "never" does not; other values decide nothing.
	Header string
	// HeaderValue takes the canary when the field has just this value.
	HeaderValue string
	// HeaderPattern is an RE2 expression that takes the canary when it matches any part of the field.
	// It counts only without HeaderValue.
	HeaderPattern string
	// Cookie names a cookie whose value "always" takes the canary and "never" does not.
	Cookie string
	// Weight of Total requests take the canary. Total 0: 100.
	Weight, Total int
	// IgnoreSticky decides anew for clients with a sticky cookie (affinity-canary-behavior: legacy).
	IgnoreSticky bool
}
