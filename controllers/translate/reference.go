package translate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
)

// secretOf finds a Secret that an annotation names. What is wrong is told, with what follows from it.
func (b *build) secretOf(o *object, ref *annotations.Ref, instead string) *corev1.Secret {
	key, permitted := b.permitted(o, ref, "Secret", instead)
	if !permitted {
		return nil
	}
	secret, err := b.refs.secret(key)
	if err != nil {
		o.tellMissing(err, annotation(ref.Key), instead)
	}
	return secret
}

// configMapOf is secretOf for ConfigMaps.
func (b *build) configMapOf(o *object, ref *annotations.Ref, instead string) *corev1.ConfigMap {
	key, permitted := b.permitted(o, ref, "ConfigMap", instead)
	if !permitted {
		return nil
	}
	found, err := b.refs.configMap(key)
	if err != nil {
		o.tellMissing(err, annotation(ref.Key), instead)
	}
	return found
}

// permitted returns what a Ref means. An object that may not be referred to is not asked for either.
func (b *build) permitted(o *object, ref *annotations.Ref, kind, instead string) (types.NamespacedName, bool) {
	key := types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
	if key.Namespace == "" {
		key.Namespace = o.meta.Namespace
	}
	if b.refs.grants.permit(o, kind, key.Namespace, key.Name) {
		return key, true
	}
	o.tell(v1alpha1.ReasonRefNotPermitted, annotation(ref.Key), "%s %s is in another namespace, which does not permit it; %s: %s",
		kind, key, instead, grantAdvice(o, kind, key.Namespace))
	return key, false
}
