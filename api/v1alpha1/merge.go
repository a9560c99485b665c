package v1alpha1

import "cmp"

// MergedOver returns the policy that is in force where p stands above base: every field that p
// sets, else the one that base sets, else unset. Lists count as one field. A nil Policy sets
// nothing. The result shares no memory with either.
func (p *Policy) MergedOver(base *Policy) Policy {
	over, under := p.DeepCopy(), base.DeepCopy()
	if over == nil {
		over = &Policy{}
	}
	if under == nil {
		return *over
	}
	return Policy{
		Protocols: firstSet(over.Protocols, under.Protocols),
		Timeouts:  over.Timeouts.mergedOver(under.Timeouts),
		Keepalive: over.Keepalive.mergedOver(under.Keepalive),
		Balance:   over.Balance.mergedOver(under.Balance),
		Drain:     over.Drain.mergedOver(under.Drain),

		Retries:           over.Retries.mergedOver(under.Retries),
		Limits:            over.Limits.mergedOver(under.Limits),
		Access:            over.Access.mergedOver(under.Access),
		Headers:           over.Headers.mergedOver(under.Headers),
		BackendTLS:        over.BackendTLS.mergedOver(under.BackendTLS),
		InsecureWebSocket: cmp.Or(over.InsecureWebSocket, under.InsecureWebSocket),
	}
}

func (r *Retries) mergedOver(base *Retries) *Retries {
	if r == nil || base == nil {
		return cmp.Or(r, base)
	}
	return &Retries{Attempts: cmp.Or(r.Attempts, base.Attempts), Timeout: cmp.Or(r.Timeout, base.Timeout)}
}

func (l *Limits) mergedOver(base *Limits) *Limits {
	if l == nil || base == nil {
		return cmp.Or(l, base)
	}
	return &Limits{
		Sessions:                     cmp.Or(l.Sessions, base.Sessions),
		SessionsPerClient:            cmp.Or(l.SessionsPerClient, base.SessionsPerClient),
		HandshakesPerSecond:          cmp.Or(l.HandshakesPerSecond, base.HandshakesPerSecond),
		HandshakesPerSecondPerClient: cmp.Or(l.HandshakesPerSecondPerClient, base.HandshakesPerSecondPerClient),
		Burst:                        cmp.Or(l.Burst, base.Burst),
		ExemptCIDRs:                  firstSet(l.ExemptCIDRs, base.ExemptCIDRs),
	}
}

func (a *Access) mergedOver(base *Access) *Access {
	if a == nil || base == nil {
		return cmp.Or(a, base)
	}
	return &Access{
		Origins:      firstSet(a.Origins, base.Origins),
		AllowCIDRs:   firstSet(a.AllowCIDRs, base.AllowCIDRs),
		DenyCIDRs:    firstSet(a.DenyCIDRs, base.DenyCIDRs),
		BasicAuth:    a.BasicAuth.mergedOver(base.BasicAuth),
		ExternalAuth: a.ExternalAuth.mergedOver(base.ExternalAuth),
	}
}

func (b *BasicAuth) mergedOver(base *BasicAuth) *BasicAuth {
	if b == nil || base == nil {
		return cmp.Or(b, base)
	}
	return &BasicAuth{SecretName: cmp.Or(b.SecretName, base.SecretName), Realm: cmp.Or(b.Realm, base.Realm)}
}

func (e *ExternalAuth) mergedOver(base *ExternalAuth) *ExternalAuth {
	if e == nil || base == nil {
		return cmp.Or(e, base)
	}
	return &ExternalAuth{
		URL:             cmp.Or(e.URL, base.URL),
		Timeout:         cmp.Or(e.Timeout, base.Timeout),
		ResponseHeaders: firstSet(e.ResponseHeaders, base.ResponseHeaders),
		Cache:           e.Cache.mergedOver(base.Cache),
	}
}

func (c *AuthCache) mergedOver(base *AuthCache) *AuthCache {
	if c == nil || base == nil {
		return cmp.Or(c, base)
	}
	return &AuthCache{Key: cmp.Or(c.Key, base.Key), Duration: cmp.Or(c.Duration, base.Duration)}
}

func (h *Headers) mergedOver(base *Headers) *Headers {
	if h == nil || base == nil {
		return cmp.Or(h, base)
	}
	return &Headers{Request: h.Request.mergedOver(base.Request), Response: h.Response.mergedOver(base.Response)}
}

func (e *HeaderEdits) mergedOver(base *HeaderEdits) *HeaderEdits {
	if e == nil || base == nil {
		return cmp.Or(e, base)
	}
	return &HeaderEdits{Set: firstSet(e.Set, base.Set), Add: firstSet(e.Add, base.Add), Remove: firstSet(e.Remove, base.Remove)}
}

func (t *BackendTLS) mergedOver(base *BackendTLS) *BackendTLS {
	if t == nil || base == nil {
		return cmp.Or(t, base)
	}
	return &BackendTLS{
		Mode:                 cmp.Or(t.Mode, base.Mode),
		ServerName:           cmp.Or(t.ServerName, base.ServerName),
		CASecretName:         cmp.Or(t.CASecretName, base.CASecretName),
		ClientCertSecretName: cmp.Or(t.ClientCertSecretName, base.ClientCertSecretName),
	}
}

func (t *Timeouts) mergedOver(base *Timeouts) *Timeouts {
	if t == nil || base == nil {
		return cmp.Or(t, base)
	}
	return &Timeouts{
		Connect:      cmp.Or(t.Connect, base.Connect),
		Handshake:    cmp.Or(t.Handshake, base.Handshake),
		Idle:         cmp.Or(t.Idle, base.Idle),
		Stall:        cmp.Or(t.Stall, base.Stall),
		MaxAge:       cmp.Or(t.MaxAge, base.MaxAge),
		MaxAgeJitter: cmp.Or(t.MaxAgeJitter, base.MaxAgeJitter),
		Close:        cmp.Or(t.Close, base.Close),
	}
}

func (k *Keepalive) mergedOver(base *Keepalive) *Keepalive {
	if k == nil || base == nil {
		return cmp.Or(k, base)
	}
	return &Keepalive{
		Interval: cmp.Or(k.Interval, base.Interval),
		Timeout:  cmp.Or(k.Timeout, base.Timeout),
		Peers:    cmp.Or(k.Peers, base.Peers),
	}
}

func (b *Balance) mergedOver(base *Balance) *Balance {
	if b == nil || base == nil {
		return cmp.Or(b, base)
	}
	return &Balance{
		Algorithm:    cmp.Or(b.Algorithm, base.Algorithm),
		HashOn:       firstSet(b.HashOn, base.HashOn),
		Share:        cmp.Or(b.Share, base.Share),
		StickyCookie: b.StickyCookie.mergedOver(base.StickyCookie),
	}
}

func (c *StickyCookie) mergedOver(base *StickyCookie) *StickyCookie {
	if c == nil || base == nil {
		return cmp.Or(c, base)
	}
	return &StickyCookie{
		Name:     cmp.Or(c.Name, base.Name),
		Path:     cmp.Or(c.Path, base.Path),
		MaxAge:   cmp.Or(c.MaxAge, base.MaxAge),
		SameSite: cmp.Or(c.SameSite, base.SameSite),
		Mode:     cmp.Or(c.Mode, base.Mode),
	}
}

func (d *Drain) mergedOver(base *Drain) *Drain {
	if d == nil || base == nil {
		return cmp.Or(d, base)
	}
	return &Drain{
		Deadline:  cmp.Or(d.Deadline, base.Deadline),
		Spread:    cmp.Or(d.Spread, base.Spread),
		CloseCode: cmp.Or(d.CloseCode, base.CloseCode),
	}
}

func firstSet[T any](over, under []T) []T {
	if len(over) > 0 {
		return over
	}
	return under
}
