package translate

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
)

// hostCertificates asks for client certificates on all paths of a host, if an Ingress with paths there
// does: what it says is about the host, as in ingress-nginx, and a path that was guarded there must not
// be open here. An Ingress that asks for its own keeps that; else the oldest one's counts.
func (b *build) hostCertificates() {
	asking := map[string]*object{}
	for _, o := range b.objects {
		if !o.asksForCertificates() {
			continue
		}
		for _, index := range o.routes {
			for _, m := range b.cfg.Routes[index].Matches {
				if asking[m.Host] == nil {
					asking[m.Host] = o
				}
			}
		}
	}
	if len(asking) == 0 {
		return
	}
	for _, o := range b.objects {
		if o.ingress != nil && !o.asksForCertificates() {
			b.takeHostCertificates(o, asking)
		}
	}
}

func (o *object) asksForCertificates() bool {
	return o.ingress != nil && o.serves() && o.settings.ClientCertSecret != nil
}

// takeHostCertificates guards the routes of o as their hosts are guarded.
func (b *build) takeHostCertificates(o *object, asking map[string]*object) {
	for _, index := range o.routes {
		route := &b.cfg.Routes[index]
		for _, m := range route.Matches {
			by := asking[m.Host]
			if by == nil {
				continue
			}
			if route.Access.ClientCert = by.base.Access.ClientCert; route.Access.ClientCert == nil {
				seal(route, "the Secret with the authorities of client certificates can't be had")
			}
			o.tellOnce(v1alpha1.ReasonConflicted, field.NewPath("spec", "rules"), "%s asks for client certificates on all of its paths, because %s has the annotation %sauth-tls-secret: move one of the two to another host if these paths need none",
				hostText(m.Host), by.report.Object, annotations.NginxPrefix)
			break
		}
	}
}
