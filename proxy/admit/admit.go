package admit

import (
	"net/http"
	"net/netip"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// Subject is a request as the checks see it.
type Subject struct {
	Request *http.Request
	// Policy is that of the request's route.
	Policy *Policy
	// Upgrade is the lower-case protocol that the request asks to switch to; "": none.
	Upgrade string
	// Client is who sent the request, as far as trust in forwarding headers goes. The zero Addr: not known.
	Client netip.Addr
	// Secure: the client speaks TLS, to us or to a trusted proxy in front.
	Secure bool
	// HTTPSPort is the port of https as clients see it, 1 to 65535; 0 stands for 443.
	HTTPSPort int
	// Forwarded makes the header with which the request would go to an endpoint, and Services asks
	// other services. Both are used for policies that Ask.
	Forwarded func() http.Header
	Services  http.RoundTripper
	// Grant is what the checks have found out so far.
	Grant
}

// Grant is what comes of the checks besides their answer.
type Grant struct {
	// Hold is what the request counts for in the limits of its route. It must be released, with the
	// subject's client, when the request or its tunnel has ended, refused ones included.
	Hold live.Hold
	// Told are headers for the endpoint: they stand in place of those of the client. A header without
	// values takes the client's away. nil: none.
	Told http.Header
	// Cookies are lines of Set-Cookie for the client, AlwaysCookies whatever the answer is; otherwise
	// with those that [Grant.CookiesFor] admits.
	Cookies       []string
	AlwaysCookies bool
}

// CookiesFor returns the lines of Set-Cookie that go with an answer of this status.
func (g *Grant) CookiesFor(status int) []string {
	if g.AlwaysCookies || status == http.StatusSwitchingProtocols || status >= 200 && status < 400 {
		return g.Cookies
	}
	return nil
}

// tell puts a header into Told.
func (g *Grant) tell(name string, values ...string) {
	if g.Told == nil {
		g.Told = http.Header{}
	}
	g.Told[http.CanonicalHeaderKey(name)] = values
}

// Check admits a subject by returning nil. It may block, for as long as the request's context lives.
type Check func(s *Subject) *model.Refusal

// order is that of the checks. Limits count whoever comes, so that passwords can't be tried without
// end. What a route does not serve is refused before anything is asked of a client, and nobody is sent
// to https to be refused there. Browsers send no credentials with a CORS question.
var order = [...]func(*Policy, *Subject) *model.Refusal{
	(*Policy).limit,
	(*Policy).protocol,
	(*Policy).https,
	(*Policy).preflight,
	(*Policy).size,
	(*Policy).access,
}

// Admit asks the checks of the subject's policy, one after the other, until one refuses.
func Admit(s *Subject) *model.Refusal {
	for _, check := range order {
		if refusal := check(s.Policy, s); refusal != nil {
			return refusal
		}
	}
	return nil
}
