package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// pairs reads key pairs from Secrets, each once.
type pairs struct {
	refs   *refs
	read   map[types.NamespacedName]pair
	parsed *KeyPairs
	now    time.Time
}

type pair struct {
	err     error
	names   []string // that the certificate is for
	expired string   // when, or ""
	covers  func(host string) bool
}

func newPairs(refs *refs, opts Options) *pairs {
	p := &pairs{refs: refs, read: map[types.NamespacedName]pair{}, parsed: opts.KeyPairs, now: opts.Now}
	if p.parsed == nil {
		p.parsed = new(KeyPairs)
	}
	p.parsed.begin()
	return p
}

func (p *pairs) get(key types.NamespacedName) pair {
	known, found := p.read[key]
	if !found {
		known = p.parse(key)
		p.read[key] = known
	}
	return known
}

// parse reads the pair and judges it.
func (p *pairs) parse(key types.NamespacedName) pair {
	secret, err := p.refs.secret(key)
	switch {
	case err != nil && p.refs.unreadable[key] != "":
		return pair{err: err}
	case err != nil || secret.Type != corev1.SecretTypeTLS:
		return pair{err: fmt.Errorf("there is no Secret %s of type %s", key, corev1.SecretTypeTLS)}
	}
	leaf, err := p.parsed.parse(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return pair{err: fmt.Errorf("%s and %s of Secret %s are no usable pair: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, key, err)}
	}
	result := pair{names: leaf.DNSNames, covers: func(host string) bool {
		return slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, host) }) || leaf.VerifyHostname(host) == nil
	}}
	if !p.now.IsZero() && p.now.After(leaf.NotAfter) {
		result.expired = leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	return result
}

// certificateOwner is whose certificate a host has.
type certificateOwner struct {
	object *object
	secret types.NamespacedName
}

// tlsEntry is what Ingress and WebSocketRoute have in common.
type tlsEntry struct {
	hosts     []string
	namespace string // "": the object's
	secret    string
	at        *field.Path
}

// certify notes for which hosts the object wants TLS and gives them their certificates.
func (b *build) certify(o *object) {
	if o.ingress != nil && !o.serves() {
		return // no host of its own: it must not decide what certificate the one has that is
	}
	entries, ruleHosts := o.tls()
	for _, entry := range entries {
		for _, host := range entry.hosts {
			o.tlsHosts.add(host)
		}
		o.tlsHosts.all = o.tlsHosts.all || len(entry.hosts) == 0
		if entry.secret == "" {
			continue // the default certificate, as an Ingress may ask
		}
		secret := types.NamespacedName{Namespace: cmp.Or(entry.namespace, o.meta.Namespace), Name: entry.secret}
		if !b.refs.grants.permit(o, "Secret", secret.Namespace, secret.Name) {
			o.tell(v1alpha1.ReasonRefNotPermitted, entry.at.Child("secretName"), "Secret %s is in another namespace, which does not permit it; these hosts get the default certificate: %s",
				secret, grantAdvice(o, "Secret", secret.Namespace))
			continue
		}
		pair := b.pairs.get(secret)
		if pair.err != nil {
			o.tell(v1alpha1.ReasonInvalidCertificateRef, entry.at.Child("secretName"), "%v; these hosts get the default certificate: mend the Secret, or name another one", pair.err)
			continue
		}
		if pair.expired != "" {
			o.tell(v1alpha1.ReasonInvalidCertificateRef, entry.at.Child("secretName"), "the certificate in Secret %s expired at %s and is served nevertheless: renew it", secret, pair.expired)
		}
		o.certificates = append(o.certificates, secret)
		hosts := entry.hosts
		if len(hosts) == 0 {
			hosts = ruleHosts
		}
		if len(hosts) == 0 {
			hosts = lower(pair.names)
		}
		b.certifyHosts(o, entry, secret, hosts)
	}
}

// certifyHosts gives the certificate to hosts that have none: the oldest object counts.
func (b *build) certifyHosts(o *object, entry tlsEntry, secret types.NamespacedName, hosts []string) {
	pair := b.pairs.get(secret)
	for i, host := range hosts {
		at := entry.at.Child("secretName")
		if len(entry.hosts) > 0 {
			at = entry.at.Child("hosts").Index(i)
		}
		owner, taken := b.certified[host]
		switch {
		case !taken:
			b.certified[host] = certificateOwner{o, secret}
		case owner.secret != secret:
			o.tell(v1alpha1.ReasonConflicted, at, "host %s has the certificate in Secret %s from %s, and keeps it: name the same Secret, or remove one of the two",
				host, owner.secret, owner.object.nameFor(o, "an earlier entry"))
			continue
		}
		if !pair.covers(host) {
			o.tell(v1alpha1.ReasonInvalidCertificateRef, at, "the certificate in Secret %s is not for %s, but for %s, and is served nevertheless: clients will refuse it; issue one for the host",
				secret, host, namesText(pair.names))
		}
	}
}

func namesText(names []string) string {
	const shown = 5
	switch {
	case len(names) == 0:
		return "no DNS name"
	case len(names) > shown:
		return strings.Join(names[:shown], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}

// tls returns the entries of the object, and the hosts that count for an entry without any.
func (o *object) tls() (entries []tlsEntry, ruleHosts []string) {
	at := field.NewPath("spec", "tls")
	if o.route != nil {
		for i, t := range o.route.Spec.TLS {
			entries = append(entries, tlsEntry{hostnames(t.Hosts), string(t.Namespace), t.SecretName, at.Index(i)})
		}
		return entries, hostnames(o.route.Spec.Hosts)
	}
	for i, t := range o.ingress.Spec.TLS {
		entries = append(entries, tlsEntry{hosts: lower(t.Hosts), secret: t.SecretName, at: at.Index(i)})
	}
	for _, host := range ingressHosts(o.ingress) {
		if host != "" {
			ruleHosts = append(ruleHosts, host)
		}
	}
	return entries, ruleHosts
}

// certificates returns one certificate for each Secret that a host has, and the default one.
func (b *build) certificates() []model.Certificate {
	hosts := map[types.NamespacedName][]string{}
	for host, owner := range b.certified {
		hosts[owner.secret] = append(hosts[owner.secret], host)
	}
	var list []model.Certificate
	for secret, names := range hosts {
		slices.Sort(names)
		list = append(list, b.certificate(secret, names))
	}
	if secret := b.opts.DefaultCertificate; secret != (types.NamespacedName{}) {
		if pair := b.pairs.get(secret); pair.err != nil {
			b.problems = append(b.problems, Problem{
				Reason: v1alpha1.ReasonInvalidCertificateRef, Field: "defaultCertificate",
				Message: fmt.Sprintf("%v; names without a certificate of their own get a self-signed one: mend the Secret, or name another one", pair.err),
			})
		} else {
			list = append(list, b.certificate(secret, nil))
		}
	}
	slices.SortFunc(list, func(x, y model.Certificate) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), cmp.Compare(len(x.Hosts), len(y.Hosts)))
	})
	return list
}

func (b *build) certificate(secret types.NamespacedName, hosts []string) model.Certificate {
	data := b.refs.secrets[secret].Data
	return model.Certificate{Name: secret.String(), Hosts: hosts, CertPEM: data[corev1.TLSCertKey], KeyPEM: data[corev1.TLSPrivateKeyKey]}
}

func lower(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strings.ToLower(name)
	}
	return list
}

func hostnames(names []v1alpha1.Hostname) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strings.ToLower(string(name))
	}
	return list
}
