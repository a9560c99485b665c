package proxy

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// stickiness is what a sticky cookie says, and what is to be answered.
type stickiness struct {
	cookie *model.StickyCookie // nil: the route is not sticky
	value  string
	fresh  bool // the client does not have this value yet
}

// readSticky reads the route's cookie from the request. A client without one gets, in Balanced
// mode, a new random value at once, since that is what its endpoint is chosen by.
func readSticky(c *model.StickyCookie, r *http.Request) stickiness {
	s := stickiness{cookie: c}
	if got, err := r.Cookie(cmp.Or(c.Name, model.DefaultStickyName)); err == nil {
		s.value = got.Value
	} else if c.Mode == model.Balanced {
		s.value, s.fresh = rand.Text(), true
	}
	return s
}

// endpoint returns the ID of the endpoint that a Persistent cookie names.
func (s stickiness) endpoint() (id uint64, found bool) {
	if s.cookie == nil || s.cookie.Mode != model.Persistent || s.value == "" {
		return 0, false
	}
	id, err := strconv.ParseUint(s.value, 16, 64)
	return id, err == nil
}

// header returns the Set-Cookie that pins the client to the endpoint, or nil when it has it already.
func (s stickiness) header(e *table.Endpoint, secure bool) http.Header {
	if s.cookie == nil {
		return nil
	}
	value, fresh := s.value, s.fresh
	if s.cookie.Mode == model.Persistent {
		value = strconv.FormatUint(e.ID, 16)
		fresh = value != s.value
	}
	if !fresh {
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
	if s.cookie.Secure != nil {
		c.Secure = *s.cookie.Secure
	}
	return http.Header{"Set-Cookie": {c.String()}}
}
