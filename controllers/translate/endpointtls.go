package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// notVerified is what follows when it can't be told whom a request would go to.
const notVerified = "requests are answered 503, for they could reach an endpoint that nobody verified"

// endpointTLS fills in what TLS towards the endpoints of an Ingress needs of a Secret.
func (b *build) endpointTLS(o *object) {
	ref := o.settings.BackendTLSSecret
	if ref == nil {
		return
	}
	secret := b.secretOf(o, ref, notVerified)
	if secret == nil {
		o.seal("the Secret for TLS to its endpoints can't be had")
		return
	}
	tls := &o.base.BackendTLS
	_, has := secret.Data[authoritiesKey]
	if has || tls.Verify {
		cas, err := b.authorities(secret)
		if err != nil {
			o.tell(v1alpha1.ReasonInvalidRef, annotation(ref.Key), "%v; %s: mend the Secret", err, notVerified)
			o.seal("the authorities of its endpoints can't be read")
			return
		}
		tls.CAs = cas
	}
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(cert)+len(key) == 0 {
		return
	}
	if _, err := b.pairs.parsed.parse(cert, key); err != nil {
		o.tell(v1alpha1.ReasonInvalidRef, annotation(ref.Key), "%s and %s of Secret %s/%s are no usable pair: %v; requests are answered 503: mend the Secret",
			corev1.TLSCertKey, corev1.TLSPrivateKeyKey, secret.Namespace, secret.Name, err)
		o.seal("the certificate for its endpoints can't be used")
		return
	}
	tls.CertPEM, tls.KeyPEM = string(cert), string(key)
}
