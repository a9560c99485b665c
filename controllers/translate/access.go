package translate

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// nobodyComesIn is what follows when a guard can't be read: without it the route would be open.
const nobodyComesIn = "requests are answered 503, for without it anybody could come in"

// Keys of Secrets, as ingress-nginx has them.
const (
	usersKey       = "auth"
	authoritiesKey = "ca.crt"
	revokedKey     = "ca.crl" // what they have revoked
)

// ingressAccess fills in what guards an Ingress and stands in Secrets and ConfigMaps. A guard that
// can't be read is left out of what is sealed for it.
func (b *build) ingressAccess(o *object) {
	s, a := &o.settings, &o.base.Access
	if ref := s.BasicAuthSecret; ref != nil {
		basic := ptr.Deref(a.Basic, model.BasicAuth{})
		a.Basic = nil
		if secret := b.secretOf(o, ref, nobodyComesIn); secret == nil {
			seal(&o.base, "the Secret with its users can't be had")
		} else if users, err := usersOf(secret, s.BasicAuthMap); err != nil {
			o.tell(v1alpha1.ReasonInvalidRef, annotation(ref.Key), "%v; %s: mend the Secret", err, nobodyComesIn)
			seal(&o.base, "the Secret with its users can't be used")
		} else {
			basic.Users, a.Basic = users, &basic
		}
	}
	if ref := s.ClientCertSecret; ref != nil {
		cert := ptr.Deref(a.ClientCert, model.ClientCert{})
		a.ClientCert = nil
		if secret := b.secretOf(o, ref, nobodyComesIn); secret == nil {
			seal(&o.base, "the Secret with the authorities of client certificates can't be had")
		} else if cas, err := b.authorities(secret); err != nil {
			o.tell(v1alpha1.ReasonInvalidRef, annotation(ref.Key), "%v; %s: mend the Secret", err, nobodyComesIn)
			seal(&o.base, "the Secret with the authorities of client certificates can't be used")
		} else {
			if lists := secret.Data[revokedKey]; len(lists) > 0 {
				cas += "\n" + string(lists)
			}
			cert.CAs, a.ClientCert = cas, &cert
		}
	}
	b.authHeaders(o)
}

// authHeaders reads the headers of the question to an authentication service. Without them it could
// let in whom it shouldn't.
func (b *build) authHeaders(o *object) {
	ref := o.settings.AuthHeaders
	if ref == nil || o.base.Access.External == nil {
		return
	}
	found := b.configMapOf(o, ref, nobodyComesIn)
	if found == nil {
		seal(&o.base, "the ConfigMap with headers for its authentication service can't be had")
		return
	}
	external := *o.base.Access.External
	external.SetHeaders = slices.Clone(external.SetHeaders)
	for _, name := range slices.Sorted(maps.Keys(found.Data)) {
		err := fieldError(name, found.Data[name])
		if err == nil {
			_, err = template.Parsed(found.Data[name])
		}
		if err != nil {
			o.tell(v1alpha1.ReasonInvalidRef, annotation(ref.Key), "%s in ConfigMap %s/%s: %v; %s: correct it", name, found.Namespace, found.Name, err, nobodyComesIn)
			seal(&o.base, "a header for its authentication service can't be made")
			continue
		}
		external.SetHeaders = append(external.SetHeaders, model.Field{Name: http.CanonicalHeaderKey(name), Value: found.Data[name]})
	}
	o.base.Access.External = &external
}

// usersOf reads the users of a Secret: a file of htpasswd, or a key for each. What a hash is worth is
// for the data plane to say; without one whole line nobody could ever come in.
func usersOf(secret *corev1.Secret, each bool) (string, error) {
	name := secret.Namespace + "/" + secret.Name
	var lines []string
	if each {
		for _, user := range slices.Sorted(maps.Keys(secret.Data)) {
			lines = append(lines, user+":"+strings.TrimSpace(string(secret.Data[user])))
		}
	} else {
		file, found := secret.Data[usersKey]
		if !found {
			return "", fmt.Errorf("there is no key %s with the lines of an htpasswd file in Secret %s", usersKey, name)
		}
		for line := range strings.Lines(string(file)) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" || strings.HasPrefix(line, "#") })
	if len(lines) == 0 {
		return "", fmt.Errorf("there are no users in Secret %s", name)
	}
	for i, line := range lines {
		if user, hash, found := strings.Cut(line, ":"); !found || user == "" || hash == "" || strings.Contains(line, "\n") {
			// Not the line itself: it may be a password that somebody wrote in the clear.
			return "", fmt.Errorf("user %d of Secret %s is not name:hash as htpasswd writes it", i+1, name)
		}
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// authorities returns the certificates of authorities in a Secret. A bundle is read once per Build.
func (b *build) authorities(secret *corev1.Secret) (string, error) {
	pem, found := secret.Data[authoritiesKey]
	if !found {
		return "", fmt.Errorf("there is no key %s with certificates in PEM in Secret %s/%s", authoritiesKey, secret.Namespace, secret.Name)
	}
	usable, known := b.bundles[secret]
	if !known {
		usable = x509.NewCertPool().AppendCertsFromPEM(pem)
		b.bundles[secret] = usable
	}
	if !usable {
		return "", fmt.Errorf("%s of Secret %s/%s has no certificate in PEM", authoritiesKey, secret.Namespace, secret.Name)
	}
	return string(pem), nil
}
