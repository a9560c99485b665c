package admit

import (
	"net/http"

	"github.com/fairlead/fairlead/proxy/model"
)

// Subject is a request as the checks see it, with what its route says about it.
type Subject struct {
	Request *http.Request
	// Upgrade is the lower-case protocol that the request asks to switch to; "": none.
	Upgrade string
	// Secure: the client speaks TLS, to us or to a trusted proxy in front.
	Secure bool
	// Protocols are those that the route serves.
	Protocols model.Protocols
	// RedirectHTTPS: the route wants plain requests on https.
	RedirectHTTPS bool
	// HTTPSPort is the port of https as clients see it, 1 to 65535; 0 stands for 443.
	HTTPSPort int
}

// Check admits a subject by returning nil. It may block, for as long as the request's context lives.
type Check func(s *Subject) *model.Refusal

// Chain returns a Check that asks each of checks in turn until one refuses.
func Chain(checks ...Check) Check {
	return func(s *Subject) *model.Refusal {
		for _, check := range checks {
			if refusal := check(s); refusal != nil {
				return refusal
			}
		}
		return nil
	}
}

// Default returns the chain that every request passes, cheap checks first. What a route does not
// serve is refused before a redirect, so that nobody is sent to https to be refused there.
func Default() Check { return Chain(Protocol, HTTPS) }
