package translate

import "github.com/fairlead/fairlead/proxy/model"

// settle makes what all routes of an Ingress have in common, once for all of them.
func (b *build) settle(o *object) {
	s := &o.settings
	o.base = model.Route{
		Protocols:       s.Protocols,
		InsecureUpgrade: s.InsecureUpgrade,
		MinTLS:          s.MinTLS,
		Redirect:        s.RedirectTo,
		Access:          s.Access,
		Limits:          s.Limits,
		CORS:            s.CORS,
		Headers:         s.Headers,
		MaxBody:         s.MaxBody,
		Rewrite:         model.Rewrite{Host: s.RewriteHost},
		BackendTLS:      s.BackendTLS,
		Timeouts:        s.Timeouts,
		Retries:         s.Retries,
		Keepalive:       s.Keepalive,
		Balance:         s.Balance,
		Drain:           s.Drain,
		NoLog:           s.NoLog,
	}
	if o.base.Limits.Any() {
		o.base.Limits.Zone = "ingress/" + o.meta.Namespace + "/" + o.meta.Name
	}
	b.customHeaders(o)
	b.ingressAccess(o)
	b.endpointTLS(o)
	b.fallback(o)
}
