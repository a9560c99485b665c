package translate

import (
	"net/http"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// defaultAuthCache is how long answers are remembered when only the key of a cache is written.
const defaultAuthCache = 5 * time.Minute

// policyAccess reads who may use a rule's routes. What can't be read closes them.
func (b *build) policyAccess(o *object, w *written) model.Access {
	var result model.Access
	a := w.Access
	if a == nil {
		return result
	}
	for _, origin := range a.Origins {
		result.Origins = append(result.Origins, string(origin))
	}
	// A network that can't be read must not make an allow-list empty, nor leave out somebody who is
	// denied.
	seal := func(err error, at *field.Path) {
		o.tellOnce(v1alpha1.ReasonInvalid, at, "%v; %s: correct it", err, nobodyComesIn)
		result.Sealed = "what says who may come in can't be read"
	}
	var err error
	if result.Allow, err = networks(a.AllowCIDRs); err != nil {
		seal(err, w.at(func(p *v1alpha1.Policy) bool { return p.Access != nil && len(p.Access.AllowCIDRs) > 0 }, "access", "allowCIDRs"))
	}
	if result.Deny, err = networks(a.DenyCIDRs); err != nil {
		seal(err, w.at(func(p *v1alpha1.Policy) bool { return p.Access != nil && len(p.Access.DenyCIDRs) > 0 }, "access", "denyCIDRs"))
	}
	if basic := a.BasicAuth; basic != nil {
		at := w.at(func(p *v1alpha1.Policy) bool {
			return p.Access != nil && p.Access.BasicAuth != nil && p.Access.BasicAuth.SecretName != ""
		}, "access", "basicAuth", "secretName")
		if secret := b.ownSecret(o, basic.SecretName, at, nobodyComesIn); secret == nil {
			result.Sealed = "the Secret with its users can't be had"
		} else if users, err := usersOf(secret, false); err != nil {
			o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%v; %s: mend the Secret", err, nobodyComesIn)
			result.Sealed = "the Secret with its users can't be used"
		} else {
			result.Basic = &model.BasicAuth{Realm: basic.Realm, Users: users}
		}
	}
	if a.ExternalAuth != nil {
		result.External, err = externalAuth(a.ExternalAuth)
		if err != nil {
			seal(err, w.at(func(p *v1alpha1.Policy) bool { return p.Access != nil && p.Access.ExternalAuth != nil }, "access", "externalAuth"))
		}
	}
	return result
}

// ownSecret finds a Secret of the object's namespace.
func (b *build) ownSecret(o *object, name string, at *field.Path, instead string) *corev1.Secret {
	secret, err := b.refs.secret(types.NamespacedName{Namespace: o.meta.Namespace, Name: name})
	if err != nil {
		o.tellMissing(err, at, instead)
	}
	return secret
}

// externalAuth reads the question to an authentication service; nil with an error.
func externalAuth(e *v1alpha1.ExternalAuth) (*model.ExternalAuth, error) {
	result := &model.ExternalAuth{URL: e.URL}
	setTimeout(&result.Timeout, e.Timeout)
	for _, name := range e.ResponseHeaders {
		result.ResponseHeaders = append(result.ResponseHeaders, http.CanonicalHeaderKey(string(name)))
	}
	if _, err := template.Parsed(e.URL); err != nil {
		return nil, err
	}
	if e.Cache == nil {
		return result, nil
	}
	if _, err := template.Parsed(e.Cache.Key); err != nil {
		return nil, err
	}
	keep := defaultAuthCache
	if length, err := e.Cache.Duration.Parse(); err == nil {
		keep = length
	}
	if keep > 0 {
		result.CacheKey, result.CacheFor = e.Cache.Key, map[int]time.Duration{}
		for _, status := range cachedStatuses {
			result.CacheFor[status] = keep
		}
	}
	return result, nil
}

// cachedStatuses are answers that say yes or no. A failure of the service is asked again.
var cachedStatuses = []int{
	http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusNoContent,
	http.StatusUnauthorized, http.StatusForbidden,
}

// networks reads networks and single addresses. All that can be read is returned with the error.
func networks(list []v1alpha1.CIDR) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	var wrong error
	for _, text := range list {
		prefix, err := netip.ParsePrefix(string(text))
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(string(text)); err == nil {
				prefix = netip.PrefixFrom(address, address.BitLen())
			}
		}
		if err != nil {
			wrong = err
			continue
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, wrong
}
