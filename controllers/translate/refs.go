package translate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/snapshot"
)

// refs finds the Secrets and ConfigMaps that objects refer to, and remembers what was asked for, be
// it there or not.
type refs struct {
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	unreadable map[types.NamespacedName]string
	grants     grants
	asked      struct {
		secrets, configMaps map[types.NamespacedName]bool
		names               map[string]bool
	}
}

func newRefs(s *snapshot.Snapshot) *refs {
	r := &refs{
		secrets:    make(map[types.NamespacedName]*corev1.Secret, len(s.Secrets)),
		configMaps: make(map[types.NamespacedName]*corev1.ConfigMap, len(s.ConfigMaps)),
		unreadable: s.Unreadable,
		grants:     newGrants(s.ReferenceGrants),
	}
	for _, secret := range s.Secrets {
		r.secrets[types.NamespacedName{Namespace: secret.Namespace, Name: secret.Name}] = secret
	}
	for _, m := range s.ConfigMaps {
		r.configMaps[types.NamespacedName{Namespace: m.Namespace, Name: m.Name}] = m
	}
	r.asked.secrets, r.asked.configMaps, r.asked.names = map[types.NamespacedName]bool{}, map[types.NamespacedName]bool{}, map[string]bool{}
	return r
}

// secret returns a Secret, or says why there is none.
func (r *refs) secret(key types.NamespacedName) (*corev1.Secret, error) {
	r.asked.secrets[key] = true
	if secret := r.secrets[key]; secret != nil {
		return secret, nil
	}
	return nil, r.missing("Secret", key)
}

// configMap returns a ConfigMap, or says why there is none.
func (r *refs) configMap(key types.NamespacedName) (*corev1.ConfigMap, error) {
	r.asked.configMaps[key] = true
	if m := r.configMaps[key]; m != nil {
		return m, nil
	}
	return nil, r.missing("ConfigMap", key)
}

// missing is why an object can't be had, and what its owner can do.
type missing struct{ why, advice string }

func (m missing) Error() string { return m.why }

func (r *refs) missing(kind string, key types.NamespacedName) error {
	if why := r.unreadable[key]; why != "" {
		return missing{fmt.Sprintf("%s %s can't be read: %s", kind, key, why), ""} // what to do is in it
	}
	return missing{fmt.Sprintf("there is no %s %s", kind, key), ": create it, or correct the name"}
}

// tellMissing tells that something can't be had, and what follows.
func (o *object) tellMissing(err error, at *field.Path, instead string) {
	var m missing
	errors.As(err, &m)
	o.tellOnce(v1alpha1.ReasonInvalidRef, at, "%v; %s%s", err, instead, m.advice)
}

// wanted returns everything that was asked for, in order.
func (r *refs) wanted() Wanted {
	byName := func(x, y types.NamespacedName) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	}
	return Wanted{
		Secrets:    slices.SortedFunc(maps.Keys(r.asked.secrets), byName),
		ConfigMaps: slices.SortedFunc(maps.Keys(r.asked.configMaps), byName),
		Names:      slices.Sorted(maps.Keys(r.asked.names)),
	}
}
