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
