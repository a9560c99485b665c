package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

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

// policyTLS reads how TLS is spoken to endpoints. What can't be read closes the route: it would go to
// endpoints that nobody verified, or be refused by them.
func (b *build) policyTLS(o *object, w *written, route *model.Route) {
	t := w.BackendTLS
	if t == nil || t.Mode == v1alpha1.BackendTLSDisable {
		return
	}
	tls := &route.BackendTLS
	tls.Verify, tls.ServerName = t.Mode == v1alpha1.BackendTLSVerify, string(t.ServerName)
	if t.CASecretName != "" {
		at := w.at(func(p *v1alpha1.Policy) bool { return p.BackendTLS != nil && p.BackendTLS.CASecretName != "" }, "backendTLS", "caSecretName")
		if !tls.Verify {
			o.tellOnce(v1alpha1.ReasonInvalid, at, "endpoints are not verified without mode Verify, so the authorities have no effect: set the mode, or remove them")
		}
		if secret := b.ownSecret(o, t.CASecretName, at, notVerified); secret == nil {
			route.Access.Sealed = "the Secret with the authorities of its endpoints can't be had"
		} else if cas, err := b.authorities(secret); err != nil {
			o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%v; %s: mend the Secret", err, notVerified)
			route.Access.Sealed = "the authorities of its endpoints can't be read"
		} else {
			tls.CAs = cas
		}
	}
	if t.ClientCertSecretName == "" {
		return
	}
	at := w.at(func(p *v1alpha1.Policy) bool { return p.BackendTLS != nil && p.BackendTLS.ClientCertSecretName != "" }, "backendTLS", "clientCertSecretName")
	secret := b.ownSecret(o, t.ClientCertSecretName, at, answered503)
	if secret == nil {
		route.Access.Sealed = "the Secret with the certificate for its endpoints can't be had"
		return
	}
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if _, err := b.pairs.parsed.parse(cert, key); err != nil {
		o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%s and %s of Secret %s/%s are no usable pair: %v; %s: mend the Secret",
			corev1.TLSCertKey, corev1.TLSPrivateKeyKey, secret.Namespace, secret.Name, err, answered503)
		route.Access.Sealed = "the certificate for its endpoints can't be used"
		return
	}
	tls.CertPEM, tls.KeyPEM = string(cert), string(key)
}
