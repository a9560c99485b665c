package annotations

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// draft is Settings in the making. What several annotations make together is kept apart until all of
// them are known. It is copied at will: nothing behind its pointers and slices is ever changed.
type draft struct {
	Settings

	StickyOn bool
	// Affinity says that nginx.ingress.kubernetes.io/affinity asked for the cookie, which
	// has other defaults.
	Affinity   bool
	Sticky     model.StickyCookie
	StickyMode *model.StickyMode
	// SameSite nil is the default of the prefix that asked for the cookie.
	SameSite        *http.SameSite
	ChangeOnFailure bool

	Subset     bool
	SubsetSize int

	// Rates of one client, and of all together; Burst is how many times each may come at once.
	PerSecond, PerMinute, PerSecondOfAll int
	Burst                                *int

	AuthType  string // "basic" or ""
	AuthRef   *Ref
	Realm     string
	External  model.ExternalAuth
	AuthCache *time.Duration // of fairlead.dev/, for every answer that says yes or no

	ClientCert    model.ClientCert
	ClientCertOff bool

	CORSOn bool
	CORS   model.CORS
	// Credentials and CORSAge nil are their defaults.
	Credentials *bool
	CORSAge     *time.Duration

	Permanent, Temporal     string
	PermanentAs, TemporalAs int

	CanaryOn bool
	Canary   model.Canary

	seals []seal
	notes []note
}

// seal is a guard that can't be read, for which nobody may be let in as long as no later annotation
// sets one of its fields.
type seal struct {
	row *Row
	why string
}

// note is something that the owner is told although the value counts.
type note struct {
	reason v1alpha1.Reason
	text   string
}

// misread notes that the value says something else than its writer believes.
func (d *draft) misread(format string, args ...any) {
	d.notes = append(d.notes, note{v1alpha1.ReasonInvalidAnnotation, fmt.Sprintf(format, args...)})
}

// differs notes that the value has another effect here than where it comes from.
func (d *draft) differs(text string) {
	d.notes = append(d.notes, note{reasonDiffers, text})
}

// seal closes the paths for a guard.
func (d *draft) seal(r *Row, why string) {
	d.seals = append(slices.Clone(d.seals), seal{r, why})
}

// unseal opens what a later guard of the same kind replaces.
func (d *draft) unseal(r *Row) {
	d.seals = slices.DeleteFunc(slices.Clone(d.seals), func(s seal) bool {
		return slices.ContainsFunc(s.row.sets, func(name string) bool { return slices.Contains(r.sets, name) })
	})
}

// unsealNeedless opens what a guard would close that means nothing by itself.
func (d *draft) unsealNeedless() {
	d.seals = slices.DeleteFunc(slices.Clone(d.seals), func(s seal) bool { return s.row.needs != nil && !s.row.needs.met(d) })
}

// sealedBy reports whether a guard closes the paths.
func (d *draft) sealedBy(r *Row) bool {
	return slices.ContainsFunc(d.seals, func(s seal) bool { return s.row == r })
}

// settle fills in the defaults that depend on several annotations.
func (d *draft) settle() Settings {
	s := d.Settings
	d.settleBalance(&s)
	d.settleLimits(&s.Limits)
	d.settleAccess(&s)
	d.settleExternal(&s)
	s.CORS = d.settledCORS()
	s.RedirectTo = d.settledRedirect()
	if s.Canary = nil; d.CanaryOn {
		s.Canary = new(d.Canary)
	}
	return s
}

func (d *draft) settleBalance(s *Settings) {
	b := &s.Balance
	if b.Algorithm != model.ConsistentHash {
		b.HashOn, b.HashTemplate = nil, ""
	} else if d.Subset {
		b.Subset = cmp.Or(d.SubsetSize, nginxSubsetSize)
	}
	if b.Sticky = nil; !d.StickyOn {
		return
	}
	c := d.Sticky
	mode, sameSite := model.Persistent, http.SameSiteLaxMode
	if d.Affinity {
		mode, sameSite = model.Balanced, 0
		s.CookiePathOfMatch = true
		c.Name = cmp.Or(c.Name, nginxCookieName)
		c.Stay = !d.ChangeOnFailure
	}
	if d.StickyMode != nil {
		mode = *d.StickyMode
	}
	if d.SameSite != nil {
		sameSite = *d.SameSite
	}
	c.Mode, c.SameSite = mode, sameSite
	b.Sticky = &c
}

// defaultBurst is how many times a rate may come at once: in ingress-nginx and here.
const defaultBurst = 5

func (d *draft) settleLimits(l *model.Limits) {
	burst := defaultBurst
	if d.Burst != nil {
		burst = *d.Burst
	}
	rate := func(list []model.Rate, events int, per time.Duration) []model.Rate {
		if events == 0 {
			return list
		}
		return append(list, model.Rate{Events: events, Per: per, Burst: events * burst})
	}
	l.PerClient = rate(rate(nil, d.PerSecond, time.Second), d.PerMinute, time.Minute)
	l.Rates = rate(nil, d.PerSecondOfAll, time.Second)
}

func (d *draft) settleAccess(s *Settings) {
	a := &s.Access
	if s.BasicAuthSecret = nil; d.AuthType != "" && d.AuthRef != nil {
		s.BasicAuthSecret, a.Basic = d.AuthRef, &model.BasicAuth{Realm: d.Realm}
	}
	s.BasicAuthMap = s.BasicAuthMap && s.BasicAuthSecret != nil
	if s.ClientCertSecret != nil && d.ClientCertOff {
		s.ClientCertSecret = nil
	}
	if s.ClientCertSecret != nil {
		a.ClientCert = new(d.ClientCert)
	}
	why := make([]string, len(d.seals))
	for i := range d.seals {
		why[i] = d.seals[i].why
	}
	slices.Sort(why)
	a.Sealed = strings.Join(slices.Compact(why), "; ")
}

func (d *draft) settleExternal(s *Settings) {
	e := d.External
	if e.URL == "" {
		s.AuthHeaders = nil
		return
	}
	switch {
	case e.CacheKey == "":
		e.CacheFor = nil
	case d.AuthCache != nil && *d.AuthCache == 0: // off
		e.CacheKey, e.CacheFor = "", nil
	case d.AuthCache != nil:
		e.CacheFor = answersFor(*d.AuthCache)
	case e.CacheFor == nil:
		e.CacheFor = map[int]time.Duration{200: nginxAuthCache, 202: nginxAuthCache, 401: nginxAuthCache}
	}
	if e.SignIn == "" {
		e.SignInParam = ""
	} else {
		e.SignInParam = cmp.Or(e.SignInParam, nginxSignInParam)
	}
	s.Access.External = &e
}

// answersFor remembers every answer of a service that says yes or no for so long.
func answersFor(length time.Duration) map[int]time.Duration {
	answers := make(map[int]time.Duration)
	for status := http.StatusOK; status <= http.StatusNoContent; status++ {
		answers[status] = length
	}
	answers[http.StatusUnauthorized], answers[http.StatusForbidden] = length, length
	return answers
}
