package ingress

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// writer makes the policy of a WebSocketRoute, and notes what one can't say.
type writer struct {
	namespace string
	lost      []string
}

func (w *writer) lose(format string, args ...any) {
	w.lost = append(w.lost, fmt.Sprintf(format, args...))
}

// policy says in the words of a WebSocketRoute what the settings of an Ingress are.
func (w *writer) policy(s *annotations.Settings) *v1alpha1.Policy {
	p := &v1alpha1.Policy{
		Protocols:  []v1alpha1.Protocol{v1alpha1.ProtocolWebSocket, v1alpha1.ProtocolHTTP},
		Timeouts:   timeouts(s.Timeouts),
		Keepalive:  keepalive(s.Keepalive),
		Balance:    w.balance(&s.Balance),
		Drain:      drain(s.Drain),
		Retries:    w.retries(s.Retries),
		Limits:     w.limits(&s.Limits),
		Access:     w.access(s),
		Headers:    headers(s.Headers),
		BackendTLS: w.backendTLS(s),
	}
	if s.Protocols == model.WebSocket {
		p.Protocols = p.Protocols[:1]
	}
	if s.InsecureUpgrade != model.ServeInsecure {
		p.InsecureWebSocket = v1alpha1.InsecureWebSocket(s.InsecureUpgrade.String())
	}
	return p
}

// gep2257 writes a timeout; unset stays unset.
func gep2257(t model.Timeout) v1alpha1.Duration {
	switch {
	case t == 0:
		return ""
	case t < 0:
		return "0s"
	}
	return length(time.Duration(t))
}

// length writes a duration as Gateway API does, in whole milliseconds.
func length(d time.Duration) v1alpha1.Duration {
	d = d.Round(time.Millisecond)
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := min(d/unit.size, 99999); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.size
		}
	}
	return v1alpha1.Duration(b.String())
}

func timeouts(t model.Timeouts) *v1alpha1.Timeouts {
	out := v1alpha1.Timeouts{
		Connect: gep2257(t.Connect), Handshake: gep2257(t.Handshake), Idle: gep2257(t.Idle),
		Stall: gep2257(t.Stall), MaxAge: gep2257(t.MaxAge), Close: gep2257(t.Close),
	}
	if t.MaxAgeJitter != nil {
		out.MaxAgeJitter = new(int32(*t.MaxAgeJitter))
	}
	return orNil(out)
}

func keepalive(k model.Keepalive) *v1alpha1.Keepalive {
	out := v1alpha1.Keepalive{Interval: gep2257(k.Interval), Timeout: gep2257(k.Timeout)}
	if k.Peers != model.PeersBoth {
		out.Peers = v1alpha1.Peers(k.Peers.String())
	}
	return orNil(out)
}

func drain(d model.Drain) *v1alpha1.Drain {
	out := v1alpha1.Drain{Deadline: gep2257(d.Deadline), Spread: gep2257(d.Spread)}
	if d.CloseCode != 0 {
		out.CloseCode = new(int32(d.CloseCode))
	}
	return orNil(out)
}

func (w *writer) balance(b *model.Balance) *v1alpha1.Balance {
	var out v1alpha1.Balance
	if b.ByLiveSessions {
		out.Share = v1alpha1.ShareLiveSessions
	}
	switch b.Algorithm {
	case model.LeastSessions:
		out.Algorithm = v1alpha1.LeastSessions
	case model.ConsistentHash:
		w.hash(b, &out)
	}
	if b.Subset > 1 {
		w.lose("subsets of endpoints (a key has one endpoint)")
	}
	if out.Share == "" && out.Algorithm == "" && b.Sticky == nil {
		return nil
	}
	out.StickyCookie = w.sticky(b.Sticky)
	return &out
}

// hash writes what is hashed, as far as a list of alternatives can say it.
func (w *writer) hash(b *model.Balance, out *v1alpha1.Balance) {
	on := b.HashOn
	if b.HashTemplate != "" {
		one, found := single(b.HashTemplate)
		if !found {
			w.lose("the hash key %q (requests are spread by RoundRobin)", b.HashTemplate)
			return
		}
		on = []model.HashOn{one}
	}
	for _, h := range on {
		switch h.Source {
		case model.HashHeader, model.HashCookie, model.HashQueryParam, model.HashSourceIP:
			out.HashOn = append(out.HashOn, v1alpha1.HashOn{Type: v1alpha1.HashOnType(h.Source.String()), Name: h.Name})
		case model.HashHost:
			out.HashOn = append(out.HashOn, v1alpha1.HashOn{Type: v1alpha1.HashOnHeader, Name: "Host"})
		default:
			w.lose("hashing by %s", h.Source)
		}
	}
	if len(out.HashOn) > 0 {
		out.Algorithm = v1alpha1.ConsistentHash
	}
}

// single reads a template that is one variable with a counterpart.
func single(text string) (model.HashOn, bool) {
	name := strings.Trim(strings.TrimPrefix(text, "$"), "{}")
	if text != "$"+name && text != "${"+name+"}" || strings.ContainsAny(name, "$") {
		return model.HashOn{}, false
	}
	switch name {
	case "remote_addr", "binary_remote_addr":
		return model.HashOn{Source: model.HashSourceIP}, true
	case "host", "http_host", "server_name":
		return model.HashOn{Source: model.HashHost}, true
	}
	kind, rest, _ := strings.Cut(name, "_")
	switch {
	case rest == "":
	case kind == "arg":
		return model.HashOn{Source: model.HashQueryParam, Name: rest}, true
	case kind == "cookie":
		return model.HashOn{Source: model.HashCookie, Name: rest}, true
	case kind == "http":
		return model.HashOn{Source: model.HashHeader, Name: strings.ReplaceAll(rest, "_", "-")}, true
	}
	return model.HashOn{}, false
}

func (w *writer) sticky(c *model.StickyCookie) *v1alpha1.StickyCookie {
	if c == nil {
		return nil
	}
	out := &v1alpha1.StickyCookie{Name: c.Name, Path: c.Path, Mode: v1alpha1.StickyMode(c.Mode.String())}
	if c.MaxAge > 0 {
		out.MaxAge = length(c.MaxAge)
	}
	for word, same := range sameSites {
		if same == c.SameSite {
			out.SameSite = word
		}
	}
	if c.SameSite == 0 {
		w.lose("a sticky cookie without SameSite (it is Lax)")
	}
	if c.Domain != "" {
		w.lose("the sticky cookie's domain %s (it is for the host alone)", c.Domain)
	}
	if c.Secure != nil {
		w.lose("session-cookie-secure (the cookie is Secure on TLS connections)")
	}
	return out
}

func (w *writer) retries(r model.Retries) *v1alpha1.Retries {
	var out v1alpha1.Retries
	if r.Attempts > 0 {
		out.Attempts = new(int32(min(r.Attempts, 16)))
	}
	if r.Unlimited {
		out.Attempts = new(int32(16))
	}
	if r.On == model.RetryNever {
		out.Attempts = new(int32(1))
	} else if r.On != 0 && r.On != model.RetryDefault || len(r.Statuses) > 0 {
		w.lose("the kinds of failures in proxy-next-upstream (connections that fail are tried again, answers never)")
	}
	out.Timeout = gep2257(r.Timeout)
	return orNil(out)
}

func (w *writer) limits(l *model.Limits) *v1alpha1.Limits {
	if !l.Any() {
		return nil
	}
	out := &v1alpha1.Limits{ExemptCIDRs: cidrs(l.Exempt)}
	if l.Sessions > 0 {
		out.Sessions = new(int32(l.Sessions))
	}
	if l.SessionsPerClient > 0 {
		out.SessionsPerClient = new(int32(l.SessionsPerClient))
	}
	out.HandshakesPerSecond = w.rate(l.Rates, out)
	out.HandshakesPerSecondPerClient = w.rate(l.PerClient, out)
	return out
}

// rate writes the first rate that is by the second, else the first one for a second.
func (w *writer) rate(rates []model.Rate, out *v1alpha1.Limits) *int32 {
	if len(rates) == 0 {
		return nil
	}
	r := rates[0]
	for _, other := range rates[1:] {
		if other.Per == time.Second {
			r = other
		}
	}
	if len(rates) > 1 {
		w.lose("one of two rates (%d in %s stays)", r.Events, r.Per)
	}
	perSecond := int32(math.Ceil(float64(r.Events) * float64(time.Second) / float64(r.Per)))
	if r.Per != time.Second {
		w.lose("a rate of %d in %s (it is %d a second)", r.Events, r.Per, perSecond)
	}
	if burst := r.Burst / max(r.Events, 1); burst != 5 {
		out.Burst = new(int32(min(burst, 1000)))
	}
	return &perSecond
}

func cidrs(list []netip.Prefix) []v1alpha1.CIDR {
	var out []v1alpha1.CIDR
	for _, p := range list {
		out = append(out, v1alpha1.CIDR(p.String()))
	}
	return out
}

func (w *writer) access(s *annotations.Settings) *v1alpha1.Access {
	a := &s.Access
	out := v1alpha1.Access{AllowCIDRs: cidrs(a.Allow), DenyCIDRs: cidrs(a.Deny)}
	for _, origin := range a.Origins {
		out.Origins = append(out.Origins, v1alpha1.Origin(origin))
	}
	if s.BasicAuthSecret != nil {
		out.BasicAuth = &v1alpha1.BasicAuth{SecretName: s.BasicAuthSecret.Name}
		if a.Basic != nil {
			out.BasicAuth.Realm = a.Basic.Realm
		}
		if s.BasicAuthMap {
			w.lose("auth-secret-type: auth-map (write the lines of an htpasswd file into the key auth of Secret %s)", s.BasicAuthSecret.Name)
		}
		w.otherNamespace(s.BasicAuthSecret)
	}
	if e := a.External; e != nil {
		out.ExternalAuth = w.external(e, s)
	}
	if a.ClientCert != nil || s.ClientCertSecret != nil {
		w.lose("client certificates (auth-tls-*): keep this Ingress")
	}
	if a.SatisfyAny {
		w.lose("satisfy: any (address and authentication are both asked)")
	}
	if out.Origins == nil && out.AllowCIDRs == nil && out.DenyCIDRs == nil && out.BasicAuth == nil && out.ExternalAuth == nil {
		return nil
	}
	return &out
}

func (w *writer) external(e *model.ExternalAuth, s *annotations.Settings) *v1alpha1.ExternalAuth {
	out := &v1alpha1.ExternalAuth{URL: e.URL, Timeout: gep2257(e.Timeout)}
	for _, name := range e.ResponseHeaders {
		out.ResponseHeaders = append(out.ResponseHeaders, v1alpha1.HeaderName(name))
	}
	if e.CacheKey != "" {
		out.Cache = &v1alpha1.AuthCache{Key: e.CacheKey}
		if d := e.CacheFor[200]; d > 0 {
			out.Cache.Duration = length(d)
		}
	}
	if e.SignIn != "" {
		w.lose("auth-signin (clients without a session get the 401)")
	}
	if e.Method != "" || len(e.SetHeaders) > 0 || e.RequestRedirect != "" || e.AlwaysSetCookie || s.AuthHeaders != nil {
		w.lose("auth-method, auth-proxy-set-headers, auth-request-redirect and auth-always-set-cookie")
	}
	return out
}

func headers(h model.Headers) *v1alpha1.Headers {
	out := v1alpha1.Headers{Request: edits(&h.Request), Response: edits(&h.Response)}
	return orNil(out)
}

func edits(e *model.HeaderEdits) *v1alpha1.HeaderEdits {
	if !e.Any() {
		return nil
	}
	fields := func(list []model.Field) []v1alpha1.Header {
		var out []v1alpha1.Header
		for _, f := range list {
			out = append(out, v1alpha1.Header{Name: v1alpha1.HeaderName(f.Name), Value: f.Value})
		}
		return out
	}
	out := &v1alpha1.HeaderEdits{Set: fields(e.Set), Add: fields(e.Add)}
	for _, name := range e.Remove {
		out.Remove = append(out.Remove, v1alpha1.HeaderName(name))
	}
	return out
}

func (w *writer) backendTLS(s *annotations.Settings) *v1alpha1.BackendTLS {
	var out v1alpha1.BackendTLS
	if s.Scheme != nil {
		out.Mode = map[model.Scheme]v1alpha1.BackendTLSMode{model.Plain: v1alpha1.BackendTLSDisable, model.Secure: v1alpha1.BackendTLSSkipVerify}[*s.Scheme]
		if *s.Scheme == model.AsClient {
			w.lose("backend-protocol: AUTO_HTTP (the appProtocol of the Service port counts)")
		}
	}
	t := &s.BackendTLS
	if t.Verify {
		out.Mode = v1alpha1.BackendTLSVerify
	}
	out.ServerName = t.ServerName
	for _, ref := range []struct {
		ref *annotations.Ref
		to  []*string
	}{
		{s.BackendTLSSecret, []*string{&out.CASecretName, &out.ClientCertSecretName}},
		{s.BackendCASecret, []*string{&out.CASecretName}},
		{s.BackendCertSecret, []*string{&out.ClientCertSecretName}},
	} {
		if ref.ref == nil {
			continue
		}
		w.otherNamespace(ref.ref)
		for _, to := range ref.to {
			*to = ref.ref.Name
		}
	}
	if t.NoSNI || t.Depth > 0 || t.MinVersion > 0 || t.MaxVersion > 0 {
		w.lose("proxy-ssl-server-name, -verify-depth and -protocols (the name is sent, any depth will do, TLS 1.2 or newer)")
	}
	return orNil(out)
}

// otherNamespace tells of a Secret that a WebSocketRoute can't name.
func (w *writer) otherNamespace(r *annotations.Ref) {
	if r.Namespace != "" && r.Namespace != w.namespace {
		w.lose("Secret %s/%s (copy it into namespace %s)", r.Namespace, r.Name, w.namespace)
	}
}

// orNil leaves out what says nothing.
func orNil[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
