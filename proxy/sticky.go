package proxy

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// stickiness is what a sticky cookie says, and what is to be answered.
//
// The cookie's value is the endpoint's ID (Persistent) or a random key (Balanced). That of a client
// on a canary has "-" and the ID of the canary's backend behind it, so that the client comes back to
// the canary even when the endpoint is gone, and to no later canary.
type stickiness struct {
	cookie *model.StickyCookie
	sent   string // what the client has
	value  string // the ID or key in it; in Balanced mode a new one if there is none
	bound  bool   // it binds the client to the canary, or to the others
	canary bool   // to the canary
	held   choice // where all attempts go; its endpoint is nil: nowhere yet
}

// readSticky reads the route's cookie from the request. A client without one gets, in Balanced
// mode, a new random value at once, since that is what its endpoint is chosen by.
func readSticky(route *table.Route, r *http.Request) *stickiness {
	s := &stickiness{cookie: route.Balance.Sticky}
	if got, err := r.Cookie(cmp.Or(s.cookie.Name, model.DefaultStickyName)); err == nil {
		s.sent = got.Value
	}
	value, mark, marked := strings.Cut(s.sent, "-")
	s.value = value
	switch _, names := s.endpoint(); {
	case value == "" || s.cookie.Mode == model.Persistent && !names:
	case !marked:
		s.bound = true
	case route.Canary != nil && mark == canaryMark(route):
		s.bound, s.canary = true, true
	}
	if s.cookie.Mode == model.Balanced && value == "" {
		s.value = rand.Text()
	}
	return s
}

func canaryMark(route *table.Route) string { return strconv.FormatUint(route.Canary.To[0].ID, 16) }

// endpoint returns the ID of the endpoint that a Persistent cookie names.
func (s *stickiness) endpoint() (id uint64, found bool) {
	if s == nil || s.cookie.Mode != model.Persistent || s.value == "" {
		return 0, false
	}
	id, err := strconv.ParseUint(s.value, 16, 64)
	return id, err == nil
}

// stays reports whether all attempts of the request go to one endpoint; pinned says that it is the
// one that a Persistent cookie names.
func (s *stickiness) stays(pinned bool) bool {
	return s != nil && s.cookie.Stay && s.bound && (pinned || s.cookie.Mode == model.Balanced)
}

// holds returns where all attempts go, as long as it takes sessions.
func (s *stickiness) holds() (choice, bool) {
	if s == nil || s.held.endpoint == nil {
		return choice{}, false
	}
	_, leaving := s.held.endpoint.Live.Leaving()
	return s.held, !leaving
}

// balanced reports whether the cookie is what endpoints are hashed by.
func (s *stickiness) balanced() bool { return s != nil && s.cookie.Mode == model.Balanced }

// setCookie returns the Set-Cookie that brings the client back to where it was taken, or nil when it
// has that already.
func (p *picker) setCookie(to choice, secure bool) http.Header {
	s := p.sticky
	if s == nil {
		return nil
	}
	value := s.value
	if s.cookie.Mode == model.Persistent {
		value = strconv.FormatUint(to.endpoint.ID, 16)
	}
	if p.source == canary {
		value += "-" + canaryMark(p.route)
	}
	if value == s.sent {
		return nil
	}
	c := &http.Cookie{
		Name:     cmp.Or(s.cookie.Name, model.DefaultStickyName),
		Value:    value,
		Path:     cmp.Or(s.cookie.Path, model.DefaultStickyPath),
		Domain:   s.cookie.Domain,
		MaxAge:   int(s.cookie.MaxAge / time.Second),
		HttpOnly: true,
		SameSite: s.cookie.SameSite,
		Secure:   secure,
	}
	if s.cookie.Expires != 0 {
		c.Expires = time.Now().Add(s.cookie.Expires)
	}
	if s.cookie.Secure != nil {
		c.Secure = *s.cookie.Secure
	}
	return http.Header{"Set-Cookie": {c.String()}}
}
