package translate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// notVerified is what follows when it can't be told whom a request would go to.
const notVerified = "requests are answered 503, for they could reach an endpoint that nobody verified"

// endpointTLS fills in what TLS towards the endpoints of an Ingress needs of Secrets.
func (b *build) endpointTLS(o *object) {
	s, route := &o.settings, &o.base
	get := func(ref *annotations.Ref, instead string) *corev1.Secret {
		if ref == nil {
			return nil
		}
		secret := b.secretOf(o, ref, instead)
		if secret == nil {
			seal(route, "a Secret for TLS to its endpoints can't be had")
		}
		return secret
	}
	if secret := get(s.BackendTLSSecret, notVerified); secret != nil {
		at := annotation(s.BackendTLSSecret.Key)
		if _, has := secret.Data[authoritiesKey]; s.BackendCASecret == nil && (has || s.BackendTLS.Verify) {
			b.takeAuthorities(o, route, secret, at)
		}
		if s.BackendCertSecret == nil && len(secret.Data[corev1.TLSCertKey])+len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 {
			b.takePair(o, route, secret, at)
		}
	}
	if secret := get(s.BackendCASecret, notVerified); secret != nil {
		b.takeAuthorities(o, route, secret, annotation(s.BackendCASecret.Key))
	}
	if secret := get(s.BackendCertSecret, answered503); secret != nil {
		b.takePair(o, route, secret, annotation(s.BackendCertSecret.Key))
	}
}

// policyTLS reads how a WebSocketRoute wants TLS spoken to endpoints. What can't be read closes the
// route: it would go to endpoints that nobody verified, or be refused by them.
func (b *build) policyTLS(o *object, w *written, route *model.Route) {
	t := w.BackendTLS
	if t == nil || t.Mode == v1alpha1.BackendTLSDisable {
		return
	}
	route.BackendTLS.Verify, route.BackendTLS.ServerName = t.Mode == v1alpha1.BackendTLSVerify, t.ServerName
	if t.CASecretName != "" {
		at := w.at(func(p *v1alpha1.Policy) bool { return p.BackendTLS != nil && p.BackendTLS.CASecretName != "" }, "backendTLS", "caSecretName")
		if !route.BackendTLS.Verify {
			o.tellOnce(v1alpha1.ReasonInvalid, at, "endpoints are not verified without mode Verify, so the authorities have no effect: set the mode, or remove them")
		}
		if secret := b.ownSecret(o, t.CASecretName, at, notVerified); secret != nil {
			b.takeAuthorities(o, route, secret, at)
		} else {
			seal(route, "the Secret with the authorities of its endpoints can't be had")
		}
	}
	if t.ClientCertSecretName != "" {
		at := w.at(func(p *v1alpha1.Policy) bool { return p.BackendTLS != nil && p.BackendTLS.ClientCertSecretName != "" }, "backendTLS", "clientCertSecretName")
		if secret := b.ownSecret(o, t.ClientCertSecretName, at, answered503); secret != nil {
			b.takePair(o, route, secret, at)
		} else {
			seal(route, "the Secret with the certificate for its endpoints can't be had")
		}
	}
}

// scheme is how endpoints are spoken to whatever their port says; nil: as it says.
func (w *written) scheme() *model.Scheme {
	if w.BackendTLS == nil {
		return nil
	}
	switch w.BackendTLS.Mode {
	case v1alpha1.BackendTLSDisable:
		return new(model.Plain)
	case v1alpha1.BackendTLSVerify, v1alpha1.BackendTLSSkipVerify:
		return new(model.Secure)
	}
	return nil
}

// takeAuthorities has endpoints verified by the authorities in a Secret.
func (b *build) takeAuthorities(o *object, route *model.Route, secret *corev1.Secret, at *field.Path) {
	cas, err := b.authorities(secret)
	if err != nil {
		o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%v; %s: mend the Secret", err, notVerified)
		seal(route, "the authorities of its endpoints can't be read")
	}
	route.BackendTLS.CAs = cas
}

// takePair shows endpoints the certificate in a Secret.
func (b *build) takePair(o *object, route *model.Route, secret *corev1.Secret, at *field.Path) {
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if _, err := b.pairs.parsed.parse(cert, key); err != nil {
		o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%s and %s of Secret %s/%s are no usable pair: %v; %s: mend the Secret",
			corev1.TLSCertKey, corev1.TLSPrivateKeyKey, secret.Namespace, secret.Name, err, answered503)
		seal(route, "the certificate for its endpoints can't be used")
		return
	}
	route.BackendTLS.CertPEM, route.BackendTLS.KeyPEM = string(cert), string(key)
}

// seal lets nobody in. The first reason is as good as the next.
func seal(route *model.Route, why string) {
	if route.Access.Sealed == "" {
		route.Access.Sealed = why
	}
}
