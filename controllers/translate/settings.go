package translate

import (
	"time"

	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

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
	if s.ClosedBy != "" {
		o.seal("the annotation " + s.ClosedBy + " guards it in a way that is not supported")
	}
	b.customHeaders(o)
	b.ingressAccess(o)
	b.endpointTLS(o)
	b.fallback(o)
	o.checkByAddress()
}

// seal lets nobody in. The first reason is as good as the next.
func (o *object) seal(why string) {
	if o.base.Access.Sealed == "" {
		o.base.Access.Sealed = why
	}
}

// The defaults of ingress-nginx that Fairlead's differ from on purpose (its ConfigMap options
// proxy-read-timeout, proxy-send-timeout and proxy-body-size).
const (
	nginxTimeout = model.Timeout(60 * time.Second)
	nginxMaxBody = 1 << 20
)

// nginxDefaults sets them where nothing else is said.
func (o *object) nginxDefaults() {
	t := &o.settings.Timeouts
	for _, unset := range []*model.Timeout{&t.Handshake, &t.Idle, &t.Stall} {
		if *unset == 0 {
			*unset = nginxTimeout
		}
	}
	if !o.has("proxy-body-size") && o.settings.MaxBody == 0 { // a size of 0 is off
		o.settings.MaxBody = nginxMaxBody
	}
}

// has reports whether the Ingress has an annotation, under one of the prefixes.
func (o *object) has(name string) bool {
	_, nginx := o.ingress.Annotations[annotations.NginxPrefix+name]
	_, our := o.ingress.Annotations[annotations.OurPrefix+name]
	return nginx || our
}
