package admit

import (
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// access asks who the client is, in the order of model.Access. Who is let in without the service being
// asked can't speak in its name either.
func (p *Policy) access(s *Subject) *model.Refusal {
	refusal := p.guards(s)
	if refusal == nil && p.external != nil {
		p.external.unsaid(s)
	}
	return refusal
}

// guards is access; what is cheap is asked first.
func (p *Policy) guards(s *Subject) *model.Refusal {
	if p.sealed != "" {
		return &model.Refusal{Status: http.StatusServiceUnavailable, Reason: model.Sealed, Detail: p.sealed}
	}
	if p.challenges && isChallenge(s) {
		return p.addresses.refuse(s)
	}
	anyOf := p.oneIsEnough && (p.basic != nil || p.external != nil)
	if !anyOf {
		if refusal := p.addresses.refuse(s); refusal != nil {
			return refusal
		}
	}
	if refusal := p.clientCert.check(s); refusal != nil {
		return refusal
	}
	if refusal := p.origins.check(s); refusal != nil {
		return refusal
	}
	if anyOf {
		return p.satisfyAny(s)
	}
	if refusal := p.basic.check(s); refusal != nil {
		return refusal
	}
	return p.external.check(s)
}

// satisfyAny lets in whom the address, the password or the service vouches for. Otherwise, as in
// nginx, it is a 401 that is answered, if there is one: it says how to be let in.
func (p *Policy) satisfyAny(s *Subject) *model.Refusal {
	if p.addresses.vouch(s) {
		return nil
	}
	refusal := p.addresses.refuse(s)
	if p.basic != nil {
		if refusal = p.basic.check(s); refusal == nil {
			return nil
		}
	}
	if p.external == nil {
		return refusal
	}
	answer := p.external.check(s)
	if refusal != nil && refusal.Status == http.StatusUnauthorized && answer != nil && answer.Reason == model.AuthRefused {
		return refusal
	}
	return answer
}

// onlyChallenges reports whether a route is for nothing but ACME challenges (RFC 8555 section 8.3):
// the certificate authority that asks them can't log in. A route that is for other paths too keeps its
// checks for all of them: its endpoints, or a rewrite, may make anything of a challenge.
func onlyChallenges(matches []model.Match) bool {
	for _, m := range matches {
		path := m.Path.Value
		if m.Path.Type == model.RegularExpression {
			path = strings.TrimPrefix(strings.TrimPrefix(path, "(?i)"), "^")
			path = strings.Replace(path, `\.well-known`, ".well-known", 1)
		}
		path += "/"
		token, found := strings.CutPrefix(path, acmeChallenge)
		if !found || strings.ContainsFunc(token, func(r rune) bool { return r != '/' && !ofToken(r) }) {
			return false
		}
	}
	return len(matches) > 0
}
