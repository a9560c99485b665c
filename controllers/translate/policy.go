package translate

import (
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// written is the policy of a rule: what is in force, and where it is written.
type written struct {
	v1alpha1.Policy // merged
	rule            *v1alpha1.Policy
	ruleAt, routeAt *field.Path
}

func newWritten(rule, route *v1alpha1.Policy, ruleAt, routeAt *field.Path) *written {
	return &written{Policy: rule.MergedOver(route), rule: rule, ruleAt: ruleAt, routeAt: routeAt}
}

// at is where a field of the policy is written: in the rule's if set says so, else in the route's.
func (w *written) at(set func(*v1alpha1.Policy) bool, path ...string) *field.Path {
	if w.rule != nil && set(w.rule) {
		return w.ruleAt.Child(path[0], path[1:]...)
	}
	return w.routeAt.Child(path[0], path[1:]...)
}

// policyRoute makes what a rule's policy says of its route.
func (b *build) policyRoute(o *object, w *written) model.Route {
	p := &w.Policy
	route := model.Route{
		Protocols:       model.WebSocket,
		InsecureUpgrade: insecure[p.InsecureWebSocket], // unset: served
		Access:          b.policyAccess(o, w),
		Headers:         o.policyHeaders(w),
		Limits:          o.policyLimits(w),
	}
	if len(p.Protocols) > 0 {
		route.Protocols = protocolsOf(p.Protocols)
	}
	if t := p.Timeouts; t != nil {
		setTimeouts(&route.Timeouts, t)
	}
	if k := p.Keepalive; k != nil {
		setKeepalive(&route.Keepalive, k)
	}
	if p.Balance != nil {
		setBalance(&route.Balance, p.Balance)
	}
	if r := p.Retries; r != nil {
		route.Retries.Attempts = int(ptr.Deref(r.Attempts, 0))
		setTimeout(&route.Retries.Timeout, r.Timeout)
	}
	if d := p.Drain; d != nil {
		setTimeout(&route.Drain.Deadline, d.Deadline)
		setTimeout(&route.Drain.Spread, d.Spread)
		route.Drain.CloseCode = int(ptr.Deref(d.CloseCode, 0))
	}
	b.policyTLS(o, w, &route)
	w.fill(&route, b.routeDefaults[o.class])
	if d := p.Drain; d != nil {
		o.checkDrain(d, route.Drain, w.at(func(p *v1alpha1.Policy) bool { return p.Drain != nil }, "drain"))
	}
	return route
}

func protocolsOf(list []v1alpha1.Protocol) model.Protocols {
	var set model.Protocols
	for _, p := range list {
		switch p {
		case v1alpha1.ProtocolWebSocket:
			set |= model.WebSocket
		case v1alpha1.ProtocolHTTP:
			set |= model.HTTP
		}
	}
	return set
}

// setTimeout reads a duration; unset, or told by checkDurations, leaves what is there.
func setTimeout(to *model.Timeout, d v1alpha1.Duration) {
	length, err := d.Parse()
	switch {
	case err != nil:
	case length == 0:
		*to = model.Off
	default:
		*to = model.Timeout(length)
	}
}

func setTimeouts(to *model.Timeouts, t *v1alpha1.Timeouts) {
	setTimeout(&to.Connect, t.Connect)
	setTimeout(&to.Handshake, t.Handshake)
	setTimeout(&to.Idle, t.Idle)
	setTimeout(&to.Stall, t.Stall)
	setTimeout(&to.MaxAge, t.MaxAge)
	setTimeout(&to.Close, t.Close)
	if t.MaxAgeJitter != nil {
		to.MaxAgeJitter = new(int(*t.MaxAgeJitter))
	}
}

// setKeepalive leaves times unset that the data plane refuses; checkDurations tells of them.
func setKeepalive(to *model.Keepalive, k *v1alpha1.Keepalive) {
	interval, timeout := keepaliveTimes(k)
	if interval.Validate() == nil {
		to.Interval = interval.Interval
	}
	if timeout.Validate() == nil {
		to.Timeout = timeout.Timeout
	}
	to.Peers = peers[k.Peers] // unset: both
}

// keepaliveTimes reads the two times apart, so that each is judged by itself.
func keepaliveTimes(k *v1alpha1.Keepalive) (interval, timeout model.Keepalive) {
	setTimeout(&interval.Interval, k.Interval)
	setTimeout(&timeout.Timeout, k.Timeout)
	return interval, timeout
}

var (
	peers = map[v1alpha1.Peers]model.Peers{
		v1alpha1.PeersBoth: model.PeersBoth, v1alpha1.PeersClient: model.PeersClient, v1alpha1.PeersBackend: model.PeersEndpoint,
	}
	insecure = map[v1alpha1.InsecureWebSocket]model.InsecureUpgrade{
		v1alpha1.InsecureServe: model.ServeInsecure, v1alpha1.InsecureRefuse: model.RefuseInsecure, v1alpha1.InsecureRedirect: model.RedirectInsecure,
	}
	algorithms = map[v1alpha1.Algorithm]model.Algorithm{
		v1alpha1.RoundRobin: model.RoundRobin, v1alpha1.LeastSessions: model.LeastSessions, v1alpha1.ConsistentHash: model.ConsistentHash,
	}
	hashSources = map[v1alpha1.HashOnType]model.HashSource{
		v1alpha1.HashOnHeader: model.HashHeader, v1alpha1.HashOnCookie: model.HashCookie,
		v1alpha1.HashOnQueryParam: model.HashQueryParam, v1alpha1.HashOnSourceIP: model.HashSourceIP,
	}
	sameSites = map[v1alpha1.SameSite]http.SameSite{
		v1alpha1.SameSiteLax: http.SameSiteLaxMode, v1alpha1.SameSiteStrict: http.SameSiteStrictMode, v1alpha1.SameSiteNone: http.SameSiteNoneMode,
	}
	stickyModes = map[v1alpha1.StickyMode]model.StickyMode{
		v1alpha1.StickyPersistent: model.Persistent, v1alpha1.StickyBalanced: model.Balanced,
	}
)

func setBalance(to *model.Balance, b *v1alpha1.Balance) {
	to.Algorithm = algorithms[b.Algorithm] // unset: RoundRobin
	if len(b.HashOn) > 0 {
		to.HashOn = make([]model.HashOn, len(b.HashOn))
		for i, h := range b.HashOn {
			to.HashOn[i] = model.HashOn{Source: hashSources[h.Type], Name: h.Name}
		}
	}
	to.ByLiveSessions = b.Share == v1alpha1.ShareLiveSessions
	if b.StickyCookie != nil {
		to.Sticky = stickyCookie(b.StickyCookie)
	}
}

func stickyCookie(c *v1alpha1.StickyCookie) *model.StickyCookie {
	result := model.StickyCookie{Name: c.Name, Path: c.Path, SameSite: http.SameSiteLaxMode}
	if length, err := c.MaxAge.Parse(); err == nil {
		result.MaxAge = length
	}
	if s, found := sameSites[c.SameSite]; found {
		result.SameSite = s
	}
	result.Mode = stickyModes[c.Mode] // unset: Persistent
	return &result
}

// checkDrain tells of a window that somebody wrote and that is longer than the deadline in force. The
// schema sees it only where both are written.
func (o *object) checkDrain(written *v1alpha1.Drain, d model.Drain, at *field.Path) {
	text, long := annotations.SpreadTooLong(d)
	if written == nil || written.Spread == "" || !long {
		return
	}
	at = at.Child("spread")
	if slices.ContainsFunc(o.report.Problems, func(p Problem) bool { return p.Field == at.String() }) {
		return // the rule before says the same
	}
	o.tell(v1alpha1.ReasonInvalid, at, "%s: write a shorter spread, or a longer deadline", text)
}

// checkDurations tells of durations that no schema has seen; what they would set stays as it was.
func (o *object) checkDurations(p *v1alpha1.Policy, at *field.Path) {
	if p == nil {
		return
	}
	check := func(d v1alpha1.Duration, path ...string) {
		if d == "" {
			return
		}
		if _, err := d.Parse(); err != nil {
			o.tell(v1alpha1.ReasonInvalid, at.Child(path[0], path[1:]...), "%v; the default is used", err)
		}
	}
	if t := p.Timeouts; t != nil {
		check(t.Connect, "timeouts", "connect")
		check(t.Handshake, "timeouts", "handshake")
		check(t.Idle, "timeouts", "idle")
		check(t.Stall, "timeouts", "stall")
		check(t.MaxAge, "timeouts", "maxAge")
		check(t.Close, "timeouts", "close")
	}
	if k := p.Keepalive; k != nil {
		check(k.Interval, "keepalive", "interval")
		check(k.Timeout, "keepalive", "timeout")
		interval, timeout := keepaliveTimes(k)
		o.checkKeepalive(interval, at.Child("keepalive", "interval"))
		o.checkKeepalive(timeout, at.Child("keepalive", "timeout"))
	}
	if p.Balance != nil && p.Balance.StickyCookie != nil {
		check(p.Balance.StickyCookie.MaxAge, "balance", "stickyCookie", "maxAge")
	}
	if r := p.Retries; r != nil {
		check(r.Timeout, "retries", "timeout")
	}
	if p.Access != nil && p.Access.ExternalAuth != nil {
		external := p.Access.ExternalAuth
		check(external.Timeout, "access", "externalAuth", "timeout")
		if external.Cache != nil {
			check(external.Cache.Duration, "access", "externalAuth", "cache", "duration")
		}
	}
	if d := p.Drain; d != nil {
		check(d.Deadline, "drain", "deadline")
		check(d.Spread, "drain", "spread")
	}
}

func (o *object) checkKeepalive(k model.Keepalive, at *field.Path) {
	if err := k.Validate(); err != nil {
		o.tell(v1alpha1.ReasonInvalid, at, "%v; the default is used", err)
	}
}
