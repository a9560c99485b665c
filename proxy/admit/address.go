package admit

import (
	"net/http"
	"net/netip"

	"github.com/fairlead/fairlead/proxy/model"
)

// networks are address ranges in the form in which clients' addresses are: IPv4 is never mapped.
type networks []netip.Prefix

func newNetworks(prefixes []netip.Prefix) networks {
	n := make(networks, 0, len(prefixes))
	for _, p := range prefixes {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		n = append(n, p.Masked())
	}
	return n
}

// contain reports whether one of the networks has the address. None has an address that is not known.
func (n networks) contain(a netip.Addr) bool {
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addresses says which clients may come by where they come from.
type addresses struct{ deny, allow networks }

func newAddresses(a *model.Access) *addresses {
	if len(a.Deny)+len(a.Allow) == 0 {
		return nil
	}
	return &addresses{newNetworks(a.Deny), newNetworks(a.Allow)}
}

// refuse refuses who is denied, or is not among those who are allowed.
func (a *addresses) refuse(s *Subject) *model.Refusal {
	if a == nil || !a.deny.contain(s.Client) && (len(a.allow) == 0 || a.allow.contain(s.Client)) {
		return nil
	}
	return &model.Refusal{
		Status: http.StatusForbidden, Reason: model.SourceRefused,
		Detail: "this route does not serve your address",
	}
}

// vouch reports whether the address alone is enough to be let in. Not to be denied is not.
func (a *addresses) vouch(s *Subject) bool {
	return a != nil && len(a.allow) > 0 && a.refuse(s) == nil
}
